/** What a browser does when a document is opened, for pages that it does not open itself: title, focus, scrolling. */

import { useEffect, useRef } from "preact/hooks";

const NAME = "terraglue";

/**
 * Keep the title of the document that of the page's `h1`, and move the focus there when another page is opened.
 *
 * Within a page (`#/data/a` to `#/data/b`) the focus stays, unless what had it is gone.
 */
export function useNavigation(location: string): void {
  const shown = useRef<string | null>(null);

  useEffect(() => {
    const main = document.getElementById("main");
    if (main === null) return;
    const page = location.split("/")[1] ?? "";
    const [isFirst, isOther] = [shown.current === null, shown.current !== page];
    shown.current = page;
    const opener = document.activeElement;
    let isSettled = isFirst;
    if (isOther && !isFirst) scrollTo(0, 0);

    const look = () => {
      const heading = main.querySelector("h1");
      if (heading === null) return;
      const title = `${heading.textContent} · ${NAME}`;
      if (document.title !== title) document.title = title;
      const focused = document.activeElement;
      // A reader who has moved on meanwhile stays there.
      if (!isSettled && (focused === document.body || (isOther && focused === opener))) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
      }
      isSettled = true;
    };
    look();
    const observer = new MutationObserver(look);
    observer.observe(main, { childList: true, characterData: true, subtree: true });
    return () => observer.disconnect();
  }, [location]);
}
