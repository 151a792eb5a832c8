/** Addresses, which users and other pages can write too. */

/** Return a part of an address without its escapes, or as it is if they are none. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
