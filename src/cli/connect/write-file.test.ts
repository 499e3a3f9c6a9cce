import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  lstatSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readIfThere, replaceFile } from './write-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-connect-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("replacing a client's file", () => {
  it('makes the file and its directory, for its owner alone', async () => {
    const file = join(directory, 'a', 'b.json');
    expect(await readIfThere(file)).toBeUndefined();
    expect(await replaceFile(file, 'new')).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('keeps a copy of the old file, its mode, and nothing else', async () => {
    const file = join(directory, 'b.json');
    writeFileSync(file, 'old');
    chmodSync(file, 0o640);
    const backup = await replaceFile(file, 'new');
    expect(readFileSync(String(backup), 'utf8')).toBe('old');
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('writes through a symbolic link', async () => {
    const real = join(directory, 'dotfiles.json');
    const link = join(directory, 'b.json');
    writeFileSync(real, 'old');
    symlinkSync(real, link);
    await replaceFile(link, 'new');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toBe('new');
  });

  it('leaves everything as it is when it cannot write', async () => {
    const file = join(directory, 'file', 'b.json');
    writeFileSync(join(directory, 'file'), 'not a directory');
    await expect(replaceFile(file, 'new')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/ENOTDIR|EEXIST/),
    });
    expect(readdirSync(directory)).toEqual(['file']);
  });
});
