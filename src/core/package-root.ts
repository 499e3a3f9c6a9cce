import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of Howdah's own package.json: the root of a clone or of the installed package. */
export function findPackageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('the package.json of Howdah is not above its program');
    directory = parent;
  }
  return directory;
}

/** What the program itself reads of its package.json. */
export interface PackageFacts {
  readonly version: string;
  readonly engines: { readonly node: string };
}

export function readPackageFacts(): PackageFacts {
  return JSON.parse(readFileSync(join(findPackageRoot(), 'package.json'), 'utf8')) as PackageFacts;
}
