/** Loaded into a server before its program (`node --import`): makes it the mutant that `TORTURE_MUTANT` names. */

import { register } from 'node:module';

register('./mutant-loader.js', import.meta.url, { data: process.env['TORTURE_MUTANT'] });
