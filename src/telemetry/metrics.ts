import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds: a cached list takes less than a millisecond, a statement up to its timeout. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What the audit log says of a call, as far as it is counted. */
export interface CountedCall {
  readonly operation?: string | null | undefined;
  /** Missing when there is no such operation: then the name is the caller's own, and no label. */
  readonly access_class?: string | null | undefined;
  readonly transport?: string | null | undefined;
  readonly duration_ms?: number | null | undefined;
}

/** The figures of this process. Every label has few values; none is what a caller wrote. */
export interface Metrics {
  called(call: CountedCall, outcome: string): void;
  refused(reason: string): void;
  answered(route: string, status: number): void;
  /** What is read at every rendering. */
  watch(name: 'http_connections' | 'http_streams', read: () => number): void;
  /** In the text format of Prometheus. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const WATCHED = {
  http_connections: 'Open connections of the HTTP listener.',
  http_streams: 'Event streams that are open.',
} as const;

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const calls = new Histogram({
    name: 'howdah_call_duration_seconds',
    help: 'Calls of operations, by outcome.',
    labelNames: ['operation', 'outcome', 'transport'] as const,
    buckets: BUCKETS,
    registers,
  });
  const refused = new Counter({
    name: 'howdah_http_refused_total',
    help: 'Requests that did not become a call.',
    labelNames: ['reason'] as const,
    registers,
  });
  const answered = new Counter({
    name: 'howdah_http_requests_total',
    help: 'Requests that were answered; status 499: the client left before.',
    labelNames: ['route', 'status'] as const,
    registers,
  });
  return {
    called: ({ operation, access_class: known, transport, duration_ms: durationMs }, outcome) => {
      const labels = {
        operation: known === undefined || known === null ? 'unknown' : (operation ?? 'unknown'),
        outcome,
        transport: transport ?? 'unknown',
      };
      calls.observe(labels, (durationMs ?? 0) / 1000);
    },
    refused: (reason) => refused.inc({ reason }),
    answered: (route, status) => answered.inc({ route, status }),
    watch: (name, read) =>
      void new Gauge({
        name: `howdah_${name}`,
        help: WATCHED[name],
        registers,
        collect() {
          this.set(read());
        },
      }),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
