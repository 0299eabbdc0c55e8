/** `npm test`: everything on one throw-away PostgreSQL, a database per test file. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
    test: {
        include: ['test/**/*.test.ts'],
        exclude: ['test/check/**'],
        globalSetup: ['test/support/global-setup.ts'],
        // uWebSockets.js is a native module that is not made for worker threads.
        pool: 'forks',
        maxWorkers: 2,
        // Tests that are concurrent wait for deadlines of the server, together.
        maxConcurrency: 20,
        testTimeout: 20_000,
        hookTimeout: 60_000,
    },
});
