/** The maximum cost of a run before it starts: what the API reserves (`worker_prices` of GET /me). */

import type { Job, WorkerPrice } from "../../api/schema";

export interface Size {
  workerType: string;
  /** As typed. */
  workers: string;
  minutes: string;
}

/** Return the number that was typed, or null if it is no whole number. */
export const wholeNumber = (text: string): number | null => (/^\s*[0-9]{1,6}\s*$/.test(text) ? Number(text) : null);

/** Return the maximum cost in US dollars, or null if a number is missing. */
export function maxCost(size: Size, job: Job, prices: WorkerPrice[]): number | null {
  const [workers, minutes] = [wholeNumber(size.workers), wholeNumber(size.minutes)];
  const price = prices.find((each) => each.worker_type === size.workerType)?.usd_per_hour;
  if (workers === null || minutes === null || price === undefined) return null;
  return (workers * price * minutes * (1 + job.max_retries)) / 60;
}
