import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a client carries from a question to its answer. It can read this and cannot change it. */
export interface RequestState {
  /** The call that asked. */
  readonly callId: string;
  /** What the operation keeps until then; a JSON value. */
  readonly kept?: unknown;
}

/** Of JSON, with what an operation keeps; larger things belong where they came from. */
const MAX_BYTES = 8192;
const MAC_BYTES = 32;
const MAX_SEALED_LENGTH = Math.ceil(((MAX_BYTES + MAC_BYTES) * 4) / 3);

export interface RequestStates {
  /** `boundTo` says for whom and for what it is good. Throws for more than 8 kB. */
  seal(state: RequestState, boundTo: string): string;
  /** Undefined for whatever was not sealed here, for this very thing. */
  open(sealed: unknown, boundTo: string): RequestState | undefined;
}

/** Seals with HMAC-SHA-256, by default under a key of this process alone. */
export function createRequestStates(key: Uint8Array = randomBytes(32)): RequestStates {
  const mac = (payload: Uint8Array, boundTo: string) =>
    // the length keeps what is bound apart from what is carried
    createHmac('sha256', key)
      .update(`${Buffer.byteLength(boundTo)}:${boundTo}`)
      .update(payload)
      .digest();
  return {
    seal(state, boundTo) {
      const payload = Buffer.from(JSON.stringify(state));
      if (payload.length > MAX_BYTES) throw new RangeError(`the state of an operation has ${payload.length} bytes`);
      return Buffer.concat([mac(payload, boundTo), payload]).toString('base64url');
    },
    open(sealed, boundTo) {
      if (typeof sealed !== 'string' || sealed.length > MAX_SEALED_LENGTH) return undefined;
      const bytes = Buffer.from(sealed, 'base64url');
      // a second spelling of the same bytes is not what was given
      if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== sealed) return undefined;
      const payload = bytes.subarray(MAC_BYTES);
      if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(payload, boundTo))) return undefined;
      return JSON.parse(payload.toString()) as RequestState;
    },
  };
}
