import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readService } from './service-file.ts';

const base = mkdtempSync(join(tmpdir(), 'howdah-service-'));
afterAll(() => rmSync(base, { recursive: true }));
const home = join(base, 'home');
const systemDirectory = join(base, 'etc');
for (const directory of [home, systemDirectory]) mkdirSync(directory);
writeFileSync(join(home, '.pg_service.conf'), '[mine]\nhost=from-home\n[both]\nhost=from-home\n');
writeFileSync(join(systemDirectory, 'pg_service.conf'), '[both]\nhost=from-system\n[system]\nhost=from-system\n');

function read(service: string, named?: string) {
  return Object.fromEntries(readService(service, { named, home, systemDirectory }));
}

function write(text: string): string {
  const file = join(base, 'named.conf');
  writeFileSync(file, text);
  return file;
}

describe('a service', () => {
  it("is looked for in the user's file, then in the system's", () => {
    expect(read('mine')).toEqual({ host: 'from-home' });
    expect(read('both')).toEqual({ host: 'from-home' });
    expect(read('system')).toEqual({ host: 'from-system' });
  });

  it("is looked for in a file that is named, in place of the user's", () => {
    expect(read('mine', write('[mine]\r\n# comment\r\n  host=named  \r\n\r\nport=1\n[other]\nnonsense'))).toEqual({
      host: 'named',
      port: '1',
    });
    expect(read('system', write(''))).toEqual({ host: 'from-system' });
  });

  it.each([
    ['is nowhere', 'absent', () => undefined, 'There is no service "absent".'],
    ['has a file that is not there', 'x', () => join(base, 'absent'), 'cannot be read'],
    ['has a line without =', 'x', () => write('[x]\nhost=h\nnonsense\n'), 'Line 3 of the service file'],
    ['has a space before =', 'x', () => write('[x]\nhost =h\n'), 'There is no connection parameter "host ".'],
    ['names another service', 'x', () => write('[x]\nservice=y\n'), 'Line 2 of the service file'],
    ['has an unknown parameter', 'x', () => write('[x]\nhots=h\n'), 'There is no connection parameter "hots".'],
  ])('that %s is refused', (_, service, named, message) => {
    expect(() => read(service, named())).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
