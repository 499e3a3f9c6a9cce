import { PlatformError } from '../core/errors.ts';
import type { CompiledLimits } from '../policy/policy.ts';
import type { Output } from './operation.ts';

/** An answer within the persona's limits, and what the audit log says about its size. */
export interface ShapedOutput {
  readonly output: Output;
  /** Rows of the answer; null where it is not a list. */
  readonly rows: number | null;
  /** Bytes of the answer as JSON. */
  readonly bytes: number;
  readonly truncated: boolean;
}

/** Cuts a list to the persona's rows and bytes and says so; an answer that cannot be cut is refused. */
export function shapeOutput(output: Output, limits: CompiledLimits): ShapedOutput {
  const withinRows = capRows(output, limits.rows);
  const bytes = sizeOf(withinRows);
  if (bytes <= limits.bytes) return describe(withinRows, bytes);
  const withinBytes = capBytes(withinRows, bytes - limits.bytes);
  const smaller = sizeOf(withinBytes);
  if (smaller <= limits.bytes) return describe(withinBytes, smaller);
  throw new PlatformError('INVALID_INPUT', `The answer has ${bytes} bytes and the limit is ${limits.bytes}.`, {
    hint: 'Ask for less at once, or raise limits.bytes of the persona.',
    details: { limit: 'bytes', value: limits.bytes },
  });
}

function describe(output: Output, bytes: number): ShapedOutput {
  return { output, bytes, rows: output.rows?.length ?? null, truncated: output.truncated === true };
}

function capRows(output: Output, rows: number): Output {
  if (output.rows === undefined || output.rows.length <= rows) return output;
  return { ...output, rows: output.rows.slice(0, rows), truncated: true };
}

/** Takes rows from the end until `excess` bytes are saved. */
function capBytes(output: Output, excess: number): Output {
  if (output.rows === undefined) return output;
  let kept = output.rows.length;
  // `"truncated":true,` may come on top of what is there
  for (let saved = -20; saved < excess && kept > 0; kept--) saved += sizeOf(output.rows[kept - 1]) + 1;
  return { ...output, rows: output.rows.slice(0, kept), truncated: true };
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
