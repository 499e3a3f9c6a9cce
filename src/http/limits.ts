/** What the network may cost; `docs/http.md` names each. */
export interface HttpLimits {
  readonly headerBytes: number;
  readonly headers: number;
  readonly bodyBytes: number;
  /** What may be held of the bodies that are being received, of all connections. */
  readonly receivingBytes: number;
  /** From the opening of a connection, or the first byte of a request, to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number;
  /** How long a connection stays open without a request: longer than proxies keep theirs, so that they close first. */
  readonly keepAliveTimeoutMs: number;
  /** How often the two limits on receiving are looked at. */
  readonly checkIntervalMs: number;
  readonly connections: number;
  /** Requests of one connection that wait for their answer. */
  readonly pipelined: number;
  /** How long a client may take for what was written to it. */
  readonly writeTimeoutMs: number;
  /** What may wait for slow clients, of all connections; the one that has waited longest is closed. */
  readonly unreadBytes: number;
  /** What may wait on one event stream. */
  readonly unreadStreamBytes: number;
  /** How long requests under way may go on after `drain`. */
  readonly drainMs: number;
  /** How long `drain` leaves a connection that is idle, or becomes it, to a client that is about to write. */
  readonly drainIdleMs: number;
  /** How long what still comes is read on a connection that `drain` has closed for its part. */
  readonly drainLingerMs: number;
}

export const LIMITS: HttpLimits = {
  headerBytes: 16_384,
  headers: 200,
  bodyBytes: 1_048_576,
  receivingBytes: 67_108_864,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 75_000,
  checkIntervalMs: 1000,
  connections: 8192,
  pipelined: 16,
  writeTimeoutMs: 60_000,
  unreadBytes: 67_108_864,
  unreadStreamBytes: 1_048_576,
  drainMs: 30_000,
  drainIdleMs: 500,
  drainLingerMs: 500,
};
