/** Makes an archive of the files that a user chose: `PUT .../job/files` writes all of them, or none. */

export interface Chosen {
  path: string;
  file: File;
}

const BLOCK = 512;

/** Return what an upload leaves out: what tools add beside the files of a project. */
export const isClutter = (path: string) => /(^|\/)(\.|__pycache__\/|__MACOSX\/|node_modules\/)/.test(path);

/** Return the media type of an archive by its name, or null. */
export function archiveType(name: string): string | null {
  if (name.endsWith(".zip")) return "application/zip";
  if (name.endsWith(".tar")) return "application/x-tar";
  return /\.(tar\.gz|tgz)$/.test(name) ? "application/gzip" : null;
}

/** Return the files of a file input or a folder input, the latter with paths inside of the folder. */
export function chosen(files: Iterable<File>): Chosen[] {
  return Array.from(files, (file) => ({
    path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name,
    file,
  }));
}

/** Return a .tar.gz with the files. */
export async function archiveOf(files: readonly Chosen[]): Promise<Blob> {
  const parts = files.flatMap(({ path, file }) => [
    header(path, file.size),
    file,
    new Uint8Array((BLOCK - (file.size % BLOCK)) % BLOCK),
  ]);
  const tar = new Blob([...parts, new Uint8Array(2 * BLOCK)]);
  return new Response(tar.stream().pipeThrough(new CompressionStream("gzip"))).blob();
}

/** The header of an entry (POSIX ustar): its path is in two fields of 155 and 100 bytes. */
function header(path: string, size: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (offset: number, text: string) => block.set(new TextEncoder().encode(text), offset);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  const slash = path.length <= 100 ? -1 : path.indexOf("/", path.length - 101);
  const [prefix, name] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
  if (new TextEncoder().encode(name).length > 100 || new TextEncoder().encode(prefix).length > 155) {
    throw new Error(`The path is too long: ${path}`);
  }
  put(0, name);
  put(100, octal(0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(0, 11));
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\0" + "00");
  put(345, prefix);
  put(
    148,
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
  );
  return block;
}
