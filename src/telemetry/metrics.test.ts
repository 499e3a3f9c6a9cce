import { expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

const lines = async (metrics: ReturnType<typeof createMetrics>, name: string) =>
  (await metrics.render()).text.split('\n').filter((line) => line.startsWith(name));

function labels(outcome: string): string {
  return `operation="list_tables",outcome="${outcome}",transport="http"`;
}

it('counts calls by operation, outcome and transport, with how long they took', async () => {
  const metrics = createMetrics();
  const call = { operation: 'list_tables', access_class: 'schema', transport: 'http', duration_ms: 3 };
  metrics.called(call, 'OK');
  metrics.called({ ...call, duration_ms: 40_000 }, 'TIMEOUT');
  const series = await lines(metrics, 'howdah_call_duration_seconds');
  expect(series).toContain(`howdah_call_duration_seconds_bucket{le="0.0025",${labels('OK')}} 0`);
  expect(series).toContain(`howdah_call_duration_seconds_bucket{le="0.005",${labels('OK')}} 1`);
  expect(series).toContain(`howdah_call_duration_seconds_count{${labels('TIMEOUT')}} 1`);
  expect(series).toContain(`howdah_call_duration_seconds_sum{${labels('TIMEOUT')}} 40`);
});

it('has no label that a caller wrote', async () => {
  const metrics = createMetrics();
  for (let i = 0; i < 100; i++) metrics.called({ operation: `made_up_${i}`, access_class: null }, 'NOT_FOUND');
  const series = await lines(metrics, 'howdah_call_duration_seconds_count');
  expect(series).toEqual([
    'howdah_call_duration_seconds_count{operation="unknown",outcome="NOT_FOUND",transport="unknown"} 100',
  ]);
});

it('reads what is watched at each rendering', async () => {
  const metrics = createMetrics();
  let streams = 1;
  metrics.watch('http_streams', () => streams);
  expect(await lines(metrics, 'howdah_http_streams')).toEqual(['howdah_http_streams 1']);
  streams = 7;
  expect(await lines(metrics, 'howdah_http_streams')).toEqual(['howdah_http_streams 7']);
});
