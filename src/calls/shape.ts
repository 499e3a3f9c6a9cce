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

/** What a token of a model stands for, about. */
const BYTES_PER_TOKEN = 4;

/** What bounds the size of an answer. */
type SizeLimits = Pick<CompiledLimits, 'rows' | 'bytes' | 'outputTokens'>;

/** Cuts a list to the persona's rows, bytes and tokens and says so; an answer that cannot be cut is refused. */
export function shapeOutput(output: Output, limits: SizeLimits): ShapedOutput {
  const most = Math.min(limits.bytes, limits.outputTokens * BYTES_PER_TOKEN);
  const withinRows = capRows(output, limits.rows);
  const bytes = sizeOf(withinRows);
  if (bytes <= most) return describe(withinRows, bytes);
  const withinBytes = capBytes(withinRows, bytes - most);
  const smaller = sizeOf(withinBytes);
  if (smaller <= most) return describe(withinBytes, smaller);
  throw tooLarge(bytes, limits);
}

/** Cuts what was shaped to so many rows. */
export function cutRows(shaped: ShapedOutput, rows: number): ShapedOutput {
  if (shaped.rows === null || shaped.rows <= rows) return shaped;
  const cut = capRows(shaped.output, rows);
  return describe(cut, sizeOf(cut));
}

function tooLarge(size: number, { bytes, outputTokens }: SizeLimits): PlatformError {
  const [limit, value, has, unit] =
    size > bytes
      ? (['bytes', bytes, size, 'bytes'] as const)
      : (['output_tokens', outputTokens, Math.ceil(size / BYTES_PER_TOKEN), 'tokens, estimated,'] as const);
  return new PlatformError('INVALID_INPUT', `The answer has ${has} ${unit} and the limit is ${value}.`, {
    hint: `Ask for less at once, or raise limits.${limit} of the persona.`,
    details: { limit, value },
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
