/** Terminal escapes, line breaks and characters that reorder text: nothing that is logged may draw on the screen. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A log line of JSON as people read it: `09:30:00 warn  message key=value`. */
export function formatLine(line: string): string {
  const { level, time, message, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${formatValue(value)}`);
  const text = `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(message)}${pairs.join('')}`;
  return `${text.replaceAll(UNPRINTABLE, escapeCharacter)}\n`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
