/** Makes the load of `load.ts`. */
import { argv, stdout } from 'node:process';
import autocannon from 'autocannon';
import type { LoadOrder, LoadReport } from './load.ts';

const { url, body, headers, connections, seconds, amount } = JSON.parse(argv[2] ?? '') as LoadOrder;
const result = await autocannon({
  url,
  body,
  headers,
  connections,
  method: 'POST',
  ...(seconds !== undefined && { duration: seconds }),
  ...(amount !== undefined && { amount }),
  verifyBody: (answer) => answer?.includes('"result":{') === true && !answer.includes('"isError":true'),
});
const { requests, duration, latency, non2xx, errors, timeouts, mismatches } = result;
if (non2xx + errors + timeouts + mismatches > 0) {
  throw new Error(`${non2xx} refused, ${errors} broken, ${timeouts} late, ${mismatches} other answers from ${url}`);
}
const report: LoadReport = {
  requests: requests.total,
  seconds: duration,
  p50Ms: latency.p50,
  p99Ms: latency.p99,
};
stdout.write(JSON.stringify(report));
