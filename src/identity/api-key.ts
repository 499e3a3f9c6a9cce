import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FORM = /^(hdh_([0-9A-Za-z]{12})_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;

/** A key that was just made. `key` is shown once; the other two stand in the configuration. */
export interface NewApiKey {
  /** `hdh_<id>_<secret>_<checksum>` in base 62: the secret has 256 bits, the checksum finds slips of the pen. */
  readonly key: string;
  readonly id: string;
  /** `sha256:` and the hexadecimal digest of the whole key: no slow hash is needed where nobody can guess. */
  readonly hash: string;
}

export function createApiKey(): NewApiKey {
  const id = randomDigits(12);
  const stem = `hdh_${id}_${randomDigits(43)}`;
  const key = `${stem}_${checksumOf(stem)}`;
  return { key, id, hash: `sha256:${hash('sha256', key, 'hex')}` };
}

/** The id in a text that has the exact form of a key; undefined for any other text. */
export function idOfApiKey(text: string): string | undefined {
  const [, stem = '', id, checksum] = FORM.exec(text) ?? [];
  return checksum === checksumOf(stem) ? id : undefined;
}

/** `randomInt` has no modulo bias. */
function randomDigits(count: number): string {
  return Array.from({ length: count }, () => DIGITS[randomInt(DIGITS.length)]).join('');
}

/** CRC-32 in six digits of base 62. */
function checksumOf(stem: string): string {
  let rest = crc32(stem);
  let digits = '';
  for (let i = 0; i < 6; i += 1) {
    digits = `${DIGITS[rest % 62]}${digits}`;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
