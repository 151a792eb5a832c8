/** Long tables: rows are drawn a part at a time, as the reader comes near the end of those that are there. */

import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../ui/format";

const STEP = 100;

export function useGrowing<T>(rows: T[], first = STEP): { drawn: T[]; more: preact.ComponentChildren } {
  const [most, setMost] = useState(Math.max(first, STEP));
  const left = rows.length - most;
  // After a filter, a long list begins with its first part again.
  const isShort = rows.length <= STEP;
  useEffect(() => {
    if (isShort) setMost(STEP);
  }, [isShort]);
  return {
    drawn: left > 0 ? rows.slice(0, most) : rows,
    more: left > 0 && <More left={left} onMore={() => setMost(most + STEP)} />,
  };
}

/** A button for everybody, which presses itself when it comes near the visible part of the page. */
function More({ left, onMore }: { left: number; onMore: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), {
      rootMargin: "1000px",
    });
    if (button.current) observer.observe(button.current);
    return () => observer.disconnect();
  }, [left]);
  return (
    <div>
      <button ref={button} type="button" onClick={onMore}>
        Show more: {count(left)} left
      </button>
    </div>
  );
}
