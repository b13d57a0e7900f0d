import { defineConfig } from 'vite';

import { licenses } from './licenses.js';

const { collect, write } = licenses();

export default defineConfig({
  plugins: [collect, write],
  worker: {
    format: 'es',
    plugins: () => [collect],
  },
  build: {
    // Else the icon, wanted by the page and by a script, is sometimes inlined in the script and sometimes not.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 3000,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      onLog(level, log, report) {
        // Libraries mark modules "use client" for server rendering; the bundler says of each that it drops the mark.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
});
