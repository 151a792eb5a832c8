import { defineConfig } from "vite";

/** Modules of the editor, which loads when it is first shown. */
const EDITOR = /codemirror|lezer|style-mod|crelt|w3c-keyname|marijn|src.ui.editor-/;

/**
 * The service serves the built files: see chalicelib/api/portal.py. Names of assets contain a hash of their content.
 *
 * There are two scripts, because many small ones compress worse: the portal, and CodeMirror with what it needs.
 */
export default defineConfig({
  base: "./",
  // Calls of `h` are smaller than those of the automatic runtime, which tsconfig.json has for the types.
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: 'import { h, Fragment } from "preact"',
  },
  build: {
    outDir: "../chalice_app/chalicelib/portal",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // The editor is the only script that loads later, and loads alone.
    modulePreload: false,
    reportCompressedSize: true,
    rolldownOptions: {
      // These modules only define what they export, so those that no page uses (Lezer's parsers) can go.
      treeshake: {
        moduleSideEffects: [{ test: /node_modules\/(@lezer|@codemirror|oauth4webapi)\//, sideEffects: false }],
      },
      output: {
        codeSplitting: {
          groups: [
            { name: "portal", test: (id: string) => !EDITOR.test(id), priority: 1 },
            { name: "codemirror", test: EDITOR },
          ],
        },
      },
    },
  },
});
