/**
 * The official SDK as its documentation has it: a server made for each request, 40 tools with zod schemas that are made
 * once, and one of them running the SQL on a pool. No authentication, no audit, no transaction, no limits.
 * BENCH_PREPARED sends the statement by name, which spares the server its planning.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { env, stdout } from 'node:process';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import pg from 'pg';
import { z } from 'zod';
import type { DiagnosticStatement } from '../diagnostic.ts';

const TOOLS = 40;
const { tool, text, values } = JSON.parse(readFileSync(env['BENCH_STATEMENT'] ?? '', 'utf8')) as DiagnosticStatement;
const name = env['BENCH_PREPARED'] === undefined ? undefined : 'bench';
const pool = new pg.Pool({ connectionString: env['BENCH_URL'], max: 16 });

const inputSchema = z.object({
  server: z.string().max(63).optional().describe('Which server.'),
  database: z.string().max(63).optional().describe('Which database.'),
  schema: z.string().max(63).optional().describe('Only this schema.'),
  min_size: z.int().min(0).default(1_048_576).describe('Leave out smaller indexes, in bytes.'),
  limit: z.int().min(1).max(500).default(50).describe('How many rows.'),
});
const outputSchema = z.object({ rows: z.array(z.record(z.string(), z.unknown())) });
const names = [tool, ...Array.from({ length: TOOLS - 1 }, (_, i) => `tool_${i}`)];

async function run() {
  const { rows } = await pool.query({ ...(name !== undefined && { name }), text, values: [...values] });
  const structuredContent = { rows: JSON.parse(JSON.stringify(rows)) as Record<string, unknown>[] };
  return { content: [{ type: 'text' as const, text: JSON.stringify(structuredContent) }], structuredContent };
}

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'stock', version: '1.0.0' });
  for (const each of names) {
    server.registerTool(each, { title: each, description: `Runs ${each}.`, inputSchema, outputSchema }, run);
  }
  return server;
});

const handle = toNodeHandler(handler) as unknown as RequestListener; // its types know no exactOptionalPropertyTypes
const http = createServer(handle);
http.listen(0, '127.0.0.1', () => {
  stdout.write(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp\n`);
});
