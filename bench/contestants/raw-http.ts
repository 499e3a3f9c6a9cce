/**
 * The limit: node:http and nothing else. Reads the request as JSON and answers it: with the answer in BENCH_ANSWER, or,
 * given BENCH_STATEMENT, with the rows of a prepared statement.
 */
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { env, stdout } from 'node:process';
import pg from 'pg';
import type { DiagnosticStatement } from '../diagnostic.ts';

const run = env['BENCH_STATEMENT'] === undefined ? answerer(env['BENCH_ANSWER']) : querier(env['BENCH_STATEMENT']);

function answerer(path = ''): () => Promise<unknown> {
  const { result } = JSON.parse(readFileSync(path, 'utf8')) as { result: unknown };
  return () => Promise.resolve(result);
}

function querier(path: string): () => Promise<unknown> {
  const { text, values } = JSON.parse(readFileSync(path, 'utf8')) as DiagnosticStatement;
  const pool = new pg.Pool({ connectionString: env['BENCH_URL'], max: 16 });
  return async () => {
    const { rows } = await pool.query({ name: 'bench', text, values: [...values] });
    return { content: [{ type: 'text', text: JSON.stringify(rows) }], structuredContent: { rows } };
  };
}

async function respond(text: string, response: ServerResponse): Promise<void> {
  const { id } = JSON.parse(text) as { id: unknown };
  const body = JSON.stringify({ jsonrpc: '2.0', id, result: await run() });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const http = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (text += chunk));
  request.on('end', () => void respond(text, response));
});
http.listen(0, '127.0.0.1', () => {
  stdout.write(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp\n`);
});
