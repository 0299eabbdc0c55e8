/** `npm run check:architecture`: what can be said of the code without running it. */

import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/check/**/*.test.ts'] } });
