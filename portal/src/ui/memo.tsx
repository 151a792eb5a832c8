/** Components that render again only if a prop has changed: `memo` of preact/compat without the rest of it. */

import { Component, type FunctionComponent } from "preact";

export function memo<P extends object>(View: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P) {
      const names = new Set([...Object.keys(this.props), ...Object.keys(next)]) as Set<keyof P>;
      return [...names].some((name) => (this.props as P)[name] !== next[name]);
    }

    override render() {
      return <View {...(this.props as P)} />;
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
