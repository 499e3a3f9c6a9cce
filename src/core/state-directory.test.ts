import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geteuid } from 'node:process';
import { afterAll, describe, expect, it } from 'vitest';
import { placeOf, stateDirectory } from './state-directory.ts';

const base = mkdtempSync(join(tmpdir(), 'howdah-state-'));
afterAll(() => rmSync(base, { recursive: true }));
const at = (name: string) => join(base, name);

function modeOf(directory: string): string {
  return (statSync(directory).mode & 0o777).toString(8);
}

describe('the state directory', () => {
  it('is HOWDAH_STATE, made with all above it', () => {
    const env = { HOWDAH_STATE: at('a/b'), XDG_STATE_HOME: at('xdg') };
    expect(stateDirectory(env)).toBe(at('a/b'));
    expect(statSync(at('a/b')).isDirectory()).toBe(true);
  });

  it('is howdah in XDG_STATE_HOME', () => {
    expect(stateDirectory({ XDG_STATE_HOME: at('xdg'), HOME: at('home') })).toBe(at('xdg/howdah'));
  });

  it('is in the home, and for root in /var/lib, where nothing is said', () => {
    expect(() => stateDirectory({ HOME: '/dev/null' }, 12_345)).toThrow('/dev/null/.local/state/howdah cannot be made');
    expect(placeOf({ HOME: at('home') }, 0)).toBe('/var/lib/howdah');
  });

  it('leaves out an XDG_STATE_HOME that is not absolute', () => {
    expect(() => stateDirectory({ XDG_STATE_HOME: 'relative', HOME: '/dev/null' }, 12_345)).toThrow('/dev/null/.local');
  });

  it('can be read by its owner only; by itself it can be entered when it is of root', () => {
    expect(modeOf(stateDirectory({ HOWDAH_STATE: at('private') }))).toBe(geteuid?.() === 0 ? '711' : '700');
  });

  it('stays as it is when it is there', () => {
    mkdirSync(at('there'), { mode: 0o750 });
    chmodSync(at('there'), 0o750);
    stateDirectory({ HOWDAH_STATE: at('there') });
    expect(modeOf(at('there'))).toBe('750');
  });

  it('is refused when others may write it', () => {
    mkdirSync(at('shared'));
    chmodSync(at('shared'), 0o777);
    expect(() => stateDirectory({ HOWDAH_STATE: at('shared') })).toThrow('can be written by others');
  });

  it('is refused when it cannot be made', () => {
    writeFileSync(at('file'), '');
    const make = () => stateDirectory({ HOWDAH_STATE: join(at('file'), 'below') });
    expect(make).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining('HOWDAH_STATE') }),
    );
  });
});
