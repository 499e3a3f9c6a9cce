import { isRecord } from '../core/record.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import type { Field } from './field.ts';
import { formatQuantity } from './quantity.ts';

export const EMPTY = '—';

/** A value on one line, with nothing in it that a terminal or a reader could take for anything else than text. */
export function formatValue(value: unknown, field: Pick<Field, 'unit' | 'time' | 'fields'>): string {
  if (value === null || value === undefined) return EMPTY;
  if (field.unit !== undefined && isNumeric(value)) return formatQuantity(Number(value), field.unit);
  if (typeof value === 'string') return escapeControl(field.time ? readableTime(value) : oneLine(value));
  if (Array.isArray(value))
    return value.length === 0 ? EMPTY : value.map((item) => formatValue(item, field)).join(', ');
  if (isRecord(value)) {
    return Object.entries(value)
      .map(
        ([key, part]) =>
          `${escapeControl(key)}=${formatValue(part, field.fields.find((f) => f.key === key) ?? UNKNOWN)}`,
      )
      .join(' ');
  }
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)));
  return escapeControl(JSON.stringify(value));
}

const UNKNOWN = { unit: undefined, time: false, fields: [] } as const;

/** Integers beyond 2^53 and numerics come as text. */
function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}

/** `2026-01-31T10:20:30.123456Z` without the letter and the fraction. */
function readableTime(value: string): string {
  return value.replace(/^(\d+-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(.*)$/, '$1 $2$3');
}

/** A statement that was laid out over lines, in one. */
function oneLine(text: string): string {
  return text.includes('\n') ? text.trim().replaceAll(/\s+/g, ' ') : text;
}
