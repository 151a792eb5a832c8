/**
 * Lists the SHA-256 of each source in `sources.sha256` beside the built files, as `sha256sum` does.
 *
 * tests/support/portal_build.py makes the same list to find out, without Node, whether the built files are up to date.
 */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const outDir = process.argv[2] ?? "../chalice_app/chalicelib/portal";
const generated = "src/api/schema.d.ts"; // types only: no byte of it is in the built files
const sources = [
  "index.html",
  "package-lock.json",
  "package.json",
  "stamp.mjs",
  "tsconfig.json",
  "vite.config.ts",
  ...readdirSync("src", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name)),
].filter((name) => name !== generated);
const digest = (name) => createHash("sha256").update(readFileSync(name)).digest("hex");
const lines = sources.toSorted().map((name) => `${digest(name)}  ${name}\n`);
writeFileSync(join(outDir, "sources.sha256"), lines.join(""));
