/** Values that several components share. */

import { useLayoutEffect, useState } from "preact/hooks";

export interface Store<T> {
  value: T;
  /** Call `listener` with the value now and with each later one. Returns a function that ends it. */
  subscribe: (listener: (value: T) => void) => () => void;
}

export function store<T>(first: T): Store<T> {
  let now = first;
  const listeners = new Set<(value: T) => void>();
  return {
    get value() {
      return now;
    },
    set value(next: T) {
      if (Object.is(next, now)) return;
      now = next;
      listeners.forEach((listener) => listener(next));
    },
    subscribe(listener) {
      listeners.add(listener);
      listener(now);
      return () => listeners.delete(listener);
    },
  };
}

/** Return the value, and render the component again when it changes. */
export function useStore<T>({ value, subscribe }: Store<T>): T {
  const [, render] = useState({});
  useLayoutEffect(() => {
    let shown = value;
    return subscribe((next) => {
      if (!Object.is(next, shown)) render({});
      shown = next;
    });
  }, []);
  return value;
}
