import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../contract/finding.ts';
import { tools } from '../../tools/all-tools.ts';
import { renderReport, type Report } from './page.ts';

const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'&\u202e`;
const toolNamed = (name: string) => tools.find((tool) => tool.name === name) ?? expect.unreachable(name);

const finding: Finding & { tool: string } = {
  tool: 'table_sizes',
  severity: 'warning',
  claim: `The table ${HOSTILE} is large.`,
  object: HOSTILE,
  evidence: { size: 1_288_490_189, [HOSTILE]: HOSTILE },
  why: 'https://www.postgresql.org/docs/current/storage-toast.html',
  next_step: `VACUUM ${HOSTILE};\n-- second line`,
};
const sizes = (table: string, size: number) => ({
  schema: 'public',
  table,
  kind: 'table',
  table_size: size,
  index_size: 0,
  toast_size: null,
});

function report(more: Partial<Report['health']> = {}, answered: Report['answered'] = []): string {
  return renderReport({
    health: {
      summary: 'Grade B: 1 warning kinds of problem; 1 of 1 diagnostics answered.',
      server: 'shop',
      database: HOSTILE,
      grade: 'B',
      examined: 1,
      asked: 1,
      areas: { tables: 'B', wal: 'A' },
      findings: [finding],
      omitted: [],
      skipped: [{ tools: ['backend_io'], reason: 'Needs PostgreSQL 18 or newer, not 12.22.' }],
      not_examined: [{ what: HOSTILE, reason: 'No right.', remedy: 'GRANT pg_monitor TO m;' }],
      ...more,
    },
    answered,
    address: 'monitor@db:5432/shop',
    version: '18.4',
    inRecovery: false,
    madeAt: new Date('2026-01-31T10:20:30.123Z'),
    tookMs: 1234,
    howdah: '0.1.0',
  });
}

const listing = {
  tool: toolNamed('table_sizes'),
  output: { rows: [sizes(HOSTILE, 8192), sizes('orders', 1_048_576), sizes('empty', 0)], truncated: true, total: 9 },
};

describe('a report', () => {
  it('has the grade, the areas, the findings with their numbers, and what was not examined', () => {
    const page = report({}, [listing]);
    for (const part of [
      'Grade B',
      'PostgreSQL 18.4',
      '2026-01-31 10:20:30 UTC',
      '1.2 GB',
      'href="#area-tables"',
      'WAL',
    ]) {
      expect(page).toContain(part);
    }
    expect(page).toContain('\n-- second line</code></pre>');
    expect(page).toContain('<strong>backend_io</strong>: Needs PostgreSQL 18 or newer');
    expect(page).toContain('the first 3 of 9 rows');
  });

  it('lets no text of a stranger be anything but text', () => {
    const page = report({}, [listing]);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toMatch(/<img|onerror=alert\(1\)>["']|\u202e/);
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('runs and styles only what its policy knows, and loads nothing', () => {
    const page = report({}, [listing]);
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
    for (const tag of ['style', 'script']) {
      const [, text = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(page) ?? [];
      expect(text.length).toBeGreaterThan(100);
      expect(policy).toContain(`${tag}-src &#39;sha256-${hash('sha256', text, 'base64')}&#39;`);
    }
    expect(policy).toContain('default-src &#39;none&#39;');
    expect(page).not.toMatch(/\s(src|action|formaction|data|poster)=["']?https?:|@import|url\(/);
  });

  it('draws bars in the colours of the page, without a script or a style of their own', () => {
    const page = report({}, [listing]);
    const [svg = ''] = /<svg.*?<\/svg>/s.exec(page) ?? [];
    expect(svg).toContain('fill="var(--series-1)"');
    expect(svg).toContain('public.orders');
    expect(svg).toContain('1 MB');
    expect(svg).not.toMatch(/<style|<script|#0[0-9a-f]0/);
  });

  it('sorts by the value, not by how it reads', () => {
    expect(report({}, [listing])).toContain('data-sort="1048576">1 MB</td>');
  });

  it('opens what has findings, and nothing else', () => {
    const quiet = { tool: toolNamed('activity'), output: { rows: [], truncated: false } };
    const page = report({}, [quiet, listing]);
    expect(page).toMatch(/<details id="table_sizes" open>/);
    expect(page).toMatch(/<details id="activity">/);
  });

  it('says that there is nothing to mend, and then not what', () => {
    const page = report({ findings: [], skipped: [], not_examined: [], grade: 'A' });
    expect(page).toContain('Nothing to mend.');
    expect(page).not.toContain('Not examined');
  });
});
