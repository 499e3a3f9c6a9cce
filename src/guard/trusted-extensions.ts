import { EXTENSION_FUNCTIONS, EXTENSION_OPERATORS, EXTENSION_TYPES } from './built-ins.gen.ts';

/** Of those that PostgreSQL ships, every function in C that is immutable or stable passes, besides what stands here. */
interface Review {
  /** Volatile or in SQL, and read. */
  readonly also?: string;
  /** They change the session, or cost without bound. */
  readonly refused?: string;
  /** What they tell is of others: not for personas that something is hidden from. */
  readonly catalogue?: string;
}

/** Of extensions that are made elsewhere the names are known, and not which versions have them. */
interface ForeignReview extends Review {
  readonly functions: RegExp;
  readonly operators?: string;
  readonly types?: string;
  /** Languages that its functions may be in. */
  readonly languages: readonly string[];
}

const SHIPPED: Readonly<Record<string, Review>> = {
  btree_gin: {},
  btree_gist: {},
  citext: {
    also: `regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table replace split_part
      strpos translate`,
  },
  cube: {},
  earthdistance: { also: 'earth earth_box earth_distance gc_to_sec latitude ll_to_earth longitude sec_to_gc' },
  fuzzystrmatch: {},
  hstore: {},
  intarray: {},
  isn: { refused: 'isn_weak' },
  ltree: {},
  pg_stat_statements: { catalogue: 'pg_stat_statements pg_stat_statements_info' },
  pg_trgm: { refused: 'set_limit' },
  pgcrypto: {
    also: 'gen_random_bytes gen_random_uuid pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_sym_encrypt pgp_sym_encrypt_bytea',
    refused: 'crypt gen_salt', // 2^31 rounds, if the text says so
  },
  seg: {},
  unaccent: {},
  'uuid-ossp': { also: 'uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4' },
};

const FOREIGN: Readonly<Record<string, ForeignReview>> = {
  vector: {
    functions:
      /^(?:(?:l1|l2|cosine|hamming|jaccard)_distance|inner_product|(?:halfvec|sparsevec|vector)_\w+|vector|halfvec|sparsevec|l2_norm(?:alize)?|binary_quantize|subvector|array_to_(?:vector|halfvec|sparsevec)|sum|avg)$/,
    operators: '<-> <#> <=> <+> <~> <%> + - * || < <= = <> >= >',
    types: 'vector halfvec sparsevec',
    languages: ['c', 'internal'],
  },
  postgis: {
    // not those that read tables or files that an argument names, or call a function that one names, as of rasters before 3
    functions:
      /^(?:st_(?!fromgdalraster|asgdalraster|gdal|makeemptycoverage|retile|createoverview|estimated_?extent|find_?extent|mapalgebra|addband|band|setband|rastfrom|summarystats|histogram|quantile|valuecount|valuepercent|fromflatgeobuf|count|approx|transformpipeline|inversetransformpipeline)\w+|geom(?:etry|etrytype)?(?:_\w+)?|geometrytype|geography(?:_\w+)?|box[23]d(?:_\w+)?|bytea|text|json|jsonb|path|point|polygon|box|postgis_(?:version|lib_version|full_version|geos_version|proj_version|libxml_version|scripts_installed|scripts_released|typmod_\w+|constraint_(?:srid|dims|type)|type_name)|overlaps_\w+|contains_2d|is_contained_2d)$/,
    catalogue: 'postgis_constraint_dims postgis_constraint_srid postgis_constraint_type',
    operators: '&& &&& &< &<| &> << <<| <-> <#> <<->> <<#>> = @ @> |&> |=| |>> ~ ~= ~~ ~~= >> < <= > >= && @@ <@ |>>',
    types: 'geometry geography box2d box3d box2df gidx spheroid geometry_dump',
    languages: ['c', 'internal', 'sql', 'plpgsql'], // only a superuser can make it, or add to it
  },
  timescaledb: {
    functions:
      /^(?:time_bucket(?:_gapfill|_ng)?|first|last|histogram|locf|interpolate|approximate_row_count|timescaledb_version)$/,
    types: '',
    catalogue: 'approximate_row_count', // of any table, by its name in a text
    languages: ['c', 'internal'],
  },
};

const REVIEWS: Readonly<Record<string, Review>> = { ...SHIPPED, ...FOREIGN };

export type ExtensionFunction = 'plain' | 'catalogue' | 'refused' | 'unknown';

/** What a function is that an extension owns; without a language, by its name alone. */
export function extensionFunction(extension: string, name: string, language?: string): ExtensionFunction {
  const review = Object.hasOwn(REVIEWS, extension) ? REVIEWS[extension] : undefined;
  if (review === undefined) return 'unknown';
  if (review.refused?.split(' ').includes(name) === true) return 'refused';
  if (review.catalogue?.split(' ').includes(name) === true) return 'catalogue';
  const foreign = Object.hasOwn(FOREIGN, extension) ? FOREIGN[extension] : undefined;
  if (foreign !== undefined) {
    const spoken = language === undefined || foreign.languages.includes(language);
    return spoken && foreign.functions.test(name) ? 'plain' : 'unknown';
  }
  return isShipped(extension, name, language, review) ? 'plain' : 'unknown';
}

/** Whoever owns an extension can add functions to it, but only a superuser can add one in C. */
function isShipped(extension: string, name: string, language: string | undefined, { also }: Review): boolean {
  const groups = SHIPPED_GROUPS.get(extension) ?? [];
  const alsoAllowed = also?.split(/\s+/).includes(name) === true;
  return groups.some((group) => {
    if (!group.names.has(name) || (language !== undefined && language !== group.language)) return false;
    return alsoAllowed || (group.volatility !== 'v' && group.language !== 'sql');
  });
}

interface Group {
  readonly language: string;
  readonly volatility: string;
  readonly names: ReadonlySet<string>;
}

const SHIPPED_GROUPS = new Map<string, Group[]>();
for (const [key, text] of Object.entries(EXTENSION_FUNCTIONS)) {
  const [extension = '', language = '', volatility = ''] = key.split(' ');
  const group = { language, volatility, names: wordsOf(text) };
  SHIPPED_GROUPS.set(extension, [...(SHIPPED_GROUPS.get(extension) ?? []), group]);
}

export const TRUSTED_EXTENSIONS: readonly string[] = Object.keys(REVIEWS);

/** Functions that a trusted extension has and that are refused all the same. */
export const REFUSED_OF_EXTENSIONS: ReadonlySet<string> = wordsOf(
  Object.values(REVIEWS)
    .map(({ refused = '' }) => refused)
    .join(' '),
);

/** Operators of trusted extensions. */
export const TRUSTED_OPERATORS: ReadonlySet<string> = wordsOf(
  [...Object.values(EXTENSION_OPERATORS), ...Object.values(FOREIGN).map(({ operators }) => operators)].join(' '),
);

/** Types of trusted extensions. */
export const TRUSTED_TYPES: ReadonlySet<string> = wordsOf(
  [...Object.values(EXTENSION_TYPES), ...Object.values(FOREIGN).map(({ types }) => types)].join(' '),
);

/** Whether types of that extension may be named. */
export function trustsTypesOf(extension: string): boolean {
  return Object.hasOwn(REVIEWS, extension);
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}
