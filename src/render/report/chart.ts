import { BarChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { ChartSpec } from '../../contract/chart.ts';
import { isRecord } from '../../core/record.ts';
import { escapeControl } from '../../sqltext/untrusted-text.ts';
import type { Field } from '../field.ts';
import { html, trusted, type Html } from '../html.ts';
import { formatQuantity } from '../quantity.ts';
import { shorten } from '../text-width.ts';

use([BarChart, GridComponent, SVGRenderer]);

const WIDTH = 860;
const BAR_HEIGHT = 26;
/** More bars than these are in the table below. */
const MOST_BARS = 12;
const LABEL_COLUMNS = 44;
/** Room at the end of a bar for its total. */
const TOTAL_WIDTH = 90;

/** Stand for the colours of the page, which differ in the dark: a library would take no variable. */
const MARKERS = ['#010101', '#020202', '#030303', '#040404', '#050505', '#060606'] as const;
const INK = '#0a0a0a';

interface Bar {
  readonly label: string;
  readonly values: readonly number[];
}

/** Bars for the rows of an answer, as a picture that needs no script; nothing where there is nothing to show. */
export function renderChart(spec: ChartSpec, rows: readonly unknown[], fields: readonly Field[]): Html | undefined {
  const bars = rows.flatMap((row) => (isRecord(row) ? barOf(spec, row) : [])).slice(0, MOST_BARS);
  if (bars.length < 2) return undefined;
  const unit = fields.find(({ key }) => key === spec.values[0])?.unit;
  const format = (value: number) => (unit === undefined ? String(value) : formatQuantity(value, unit));
  return html`<figure class="chart">
    ${trusted(draw(spec, bars, format))} ${spec.values.length > 1 && legend(spec.values)}
  </figure>`;
}

function barOf({ label, values }: ChartSpec, row: Readonly<Record<string, unknown>>): Bar[] {
  const numbers = values.map((key) => Number(row[key] ?? 0));
  if (numbers.some((number) => !Number.isFinite(number) || number < 0) || sum(numbers) === 0) return [];
  const words = label.flatMap((key) =>
    typeof row[key] === 'string' || typeof row[key] === 'number' ? [String(row[key])] : [],
  );
  return [{ label: shorten(escapeControl(words.join('.')), LABEL_COLUMNS), values: numbers }];
}

function draw({ values }: ChartSpec, bars: readonly Bar[], format: (value: number) => string): string {
  const height = bars.length * BAR_HEIGHT + 8;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption({
      animation: false,
      grid: {
        left: 8,
        right: TOTAL_WIDTH,
        top: 4,
        bottom: 4,
        outerBoundsMode: 'same',
        outerBoundsContain: 'axisLabel',
      },
      xAxis: { type: 'value', show: false },
      yAxis: {
        type: 'category',
        inverse: true,
        data: bars.map(({ label }) => label),
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: { color: INK, fontSize: 12 },
      },
      series: values.map((name, i) => ({
        type: 'bar',
        stack: 'total',
        name,
        silent: true,
        barWidth: '68%',
        data: bars.map((bar) => bar.values[i] ?? 0),
        itemStyle: { color: MARKERS[i] },
        ...(i === values.length - 1 && {
          label: {
            show: true,
            position: 'right',
            color: INK,
            formatter: ({ dataIndex }: { dataIndex: number }) => format(sum(bars[dataIndex]?.values ?? [])),
          },
        }),
      })),
    });
    return withPageColours(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** A style of its own would be kept out by the policy of the page. */
function withPageColours(svg: string): string {
  const coloured = svg.replaceAll(/fill="(#[0-9a-f]{6})"/g, (whole, colour: string) => {
    if (colour === INK) return 'fill="var(--ink)"';
    const i = MARKERS.findIndex((marker) => marker === colour);
    return i === -1 ? whole : `fill="var(--series-${i + 1})"`;
  });
  return coloured
    .replaceAll(/<style\b.*?<\/style>/gs, '')
    .replace(/<svg width="\d+" height="\d+"/, '<svg role="img" aria-hidden="true"');
}

function legend(values: readonly string[]): Html {
  return html`<figcaption>
    ${values.map((name, i) => html`<span><i class="series-${i + 1}"></i>${name}</span>`)}
  </figcaption>`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
