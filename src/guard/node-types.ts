/** What a node of a parse tree may hold. */
export interface NodeType {
  readonly fields: ReadonlyMap<string, FieldKind>;
}

/**
 * `node`: one node that says its type; `nodes`: a list of them; `names`: a list of identifiers; `value`: no node;
 * `struct`: a node whose type is known by the field.
 */
export type FieldKind =
  | { readonly kind: 'node' | 'nodes' | 'names' | 'value' }
  | { readonly kind: 'struct'; readonly type: string };

/** `a*` one node, `a[]` a list of nodes, `a~` a list of identifiers, `a:T` a node of the type T, `a` a value. */
const ALLOWED: Readonly<Record<string, string>> = {
  // values and names
  A_ArrayExpr: 'elements[] list_start list_end location',
  A_Const: 'ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull location',
  A_Expr: 'kind name~ lexpr* rexpr* rexpr_list_start rexpr_list_end location',
  A_Indices: 'is_slice lidx* uidx*',
  A_Indirection: 'arg* indirection[]',
  A_Star: '',
  Alias: 'aliasname colnames~',
  BitString: 'bsval',
  Boolean: 'boolval',
  ColumnRef: 'fields[] location',
  Float: 'fval',
  Integer: 'ival',
  List: 'items[]',
  ParamRef: 'number location',
  String: 'sval',
  // expressions
  BoolExpr: 'boolop args[] location',
  BooleanTest: 'arg* booltesttype location',
  CaseExpr: 'arg* args[] defresult* location',
  CaseWhen: 'expr* result* location',
  CoalesceExpr: 'args[] location',
  CollateClause: 'arg* collname~ location',
  FuncCall:
    'funcname~ args[] agg_order[] agg_filter* over:WindowDef agg_within_group agg_star agg_distinct func_variadic funcformat location',
  GroupingFunc: 'args[] location',
  MinMaxExpr: 'op args[] location',
  NamedArgExpr: 'arg* name argnumber location',
  NullTest: 'arg* nulltesttype location',
  RowExpr: 'args[] row_format location',
  SQLValueFunction: 'op typmod location',
  SubLink: 'subLinkType testexpr* operName~ subselect* location',
  TypeCast: 'arg* typeName:TypeName location',
  TypeName: 'names~ typmods[] typemod arrayBounds[] location',
  XmlExpr: 'op name named_args[] args[] xmloption indent location',
  XmlSerialize: 'xmloption expr* typeName:TypeName indent location',
  // SQL/JSON
  JsonAggConstructor: 'output:JsonOutput agg_filter* agg_order[] over:WindowDef location',
  JsonArgument: 'val:JsonValueExpr name',
  JsonArrayAgg: 'constructor:JsonAggConstructor arg:JsonValueExpr absent_on_null',
  JsonArrayConstructor: 'exprs[] output:JsonOutput absent_on_null location',
  JsonArrayQueryConstructor: 'query* output:JsonOutput format:JsonFormat absent_on_null location',
  JsonBehavior: 'btype expr* location',
  JsonFormat: 'format_type encoding location',
  JsonFuncExpr:
    'op column_name context_item:JsonValueExpr pathspec* passing[] output:JsonOutput on_empty:JsonBehavior on_error:JsonBehavior wrapper quotes location',
  JsonIsPredicate: 'expr* format:JsonFormat item_type unique_keys location',
  JsonKeyValue: 'key* value:JsonValueExpr',
  JsonObjectAgg: 'constructor:JsonAggConstructor arg:JsonKeyValue absent_on_null unique',
  JsonObjectConstructor: 'exprs[] output:JsonOutput absent_on_null unique location',
  JsonOutput: 'typeName:TypeName returning:JsonReturning',
  JsonParseExpr: 'expr:JsonValueExpr output:JsonOutput unique_keys location',
  JsonReturning: 'format:JsonFormat typid typmod',
  JsonScalarExpr: 'expr* output:JsonOutput location',
  JsonSerializeExpr: 'expr:JsonValueExpr output:JsonOutput location',
  JsonTable:
    'context_item:JsonValueExpr pathspec:JsonTablePathSpec passing[] columns[] on_error:JsonBehavior alias:Alias lateral location',
  JsonTableColumn:
    'coltype name typeName:TypeName pathspec:JsonTablePathSpec format:JsonFormat wrapper quotes columns[] on_empty:JsonBehavior on_error:JsonBehavior location',
  JsonTablePathSpec: 'string* name name_location location',
  JsonValueExpr: 'raw_expr* format:JsonFormat',
  // queries
  CTECycleClause: 'cycle_col_list~ cycle_mark_column cycle_mark_value* cycle_mark_default* cycle_path_column location',
  CTESearchClause: 'search_col_list~ search_breadth_first search_seq_column location',
  ColumnDef: 'colname typeName:TypeName is_local collClause:CollateClause location',
  CommonTableExpr:
    'ctename aliascolnames~ ctematerialized ctequery* search_clause:CTESearchClause cycle_clause:CTECycleClause location',
  GroupingSet: 'kind content[] location',
  JoinExpr: 'jointype isNatural larg* rarg* usingClause~ join_using_alias:Alias quals* alias:Alias',
  RangeFunction: 'lateral ordinality is_rowsfrom functions[] alias:Alias coldeflist[]',
  RangeSubselect: 'lateral subquery* alias:Alias',
  RangeTableFunc: 'lateral docexpr* rowexpr* namespaces[] columns[] alias:Alias location',
  RangeTableFuncCol: 'colname typeName:TypeName for_ordinality is_not_null colexpr* coldefexpr* location',
  RangeTableSample: 'relation* method~ args[] repeatable* location',
  RangeVar: 'schemaname relname inh relpersistence alias:Alias location',
  ResTarget: 'name indirection[] val* location',
  SelectStmt:
    'distinctClause[] targetList[] fromClause[] whereClause* groupClause[] groupDistinct havingClause* windowClause[] valuesLists[] sortClause[] limitOffset* limitCount* limitOption withClause:WithClause op all larg:SelectStmt rarg:SelectStmt',
  SortBy: 'node* sortby_dir sortby_nulls useOp~ location',
  WindowDef: 'name refname partitionClause[] orderClause[] frameOptions startOffset* endOffset* location',
  WithClause: 'ctes[] recursive location',
  // what EXPLAIN alone may hold
  DeleteStmt: 'relation:RangeVar usingClause[] whereClause* returningClause:ReturningClause withClause:WithClause',
  IndexElem: 'name expr* indexcolname collation~ opclass~ ordering nulls_ordering',
  InferClause: 'indexElems[] whereClause* conname location',
  InsertStmt:
    'relation:RangeVar cols[] selectStmt* onConflictClause:OnConflictClause returningClause:ReturningClause withClause:WithClause override',
  MergeStmt:
    'relation:RangeVar sourceRelation* joinCondition* mergeWhenClauses[] returningClause:ReturningClause withClause:WithClause',
  MergeSupportFunc: 'msftype location',
  MergeWhenClause: 'matchKind commandType override condition* targetList[] values[]',
  MultiAssignRef: 'source* colno ncolumns',
  OnConflictClause: 'action infer:InferClause targetList[] whereClause* location',
  ReturningClause: 'options[] exprs[]',
  ReturningOption: 'option value location',
  SetToDefault: 'location',
  UpdateStmt:
    'relation:RangeVar targetList[] whereClause* fromClause[] returningClause:ReturningClause withClause:WithClause',
};

const NODE_TYPES = new Map(
  Object.entries(ALLOWED).map(([type, fields]): [string, NodeType] => [
    type,
    { fields: new Map(fields.split(' ').filter(Boolean).map(fieldOf)) },
  ]),
);

/** The statements that change data: EXPLAIN without ANALYZE may plan them, and nothing else may hold them. */
export const DATA_MODIFYING: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** What older servers do not know and would read as a call of the function of that name. */
export const CALLED_BEFORE: Readonly<Record<string, { readonly since: number; readonly names: readonly string[] }>> = {
  JsonArrayAgg: { since: 16, names: ['json_arrayagg'] },
  JsonArrayConstructor: { since: 16, names: ['json_array'] },
  JsonArrayQueryConstructor: { since: 16, names: ['json_array'] },
  JsonFuncExpr: { since: 17, names: ['json_exists', 'json_query', 'json_value'] },
  JsonObjectAgg: { since: 16, names: ['json_objectagg'] },
  JsonObjectConstructor: { since: 16, names: ['json_object'] },
  JsonParseExpr: { since: 17, names: ['json'] },
  JsonScalarExpr: { since: 17, names: ['json_scalar'] },
  JsonSerializeExpr: { since: 17, names: ['json_serialize'] },
  JsonTable: { since: 17, names: ['json_table'] },
  MergeSupportFunc: { since: 17, names: ['merge_action'] },
};

/** What a node of that type may hold; undefined where the type is not allowed. */
export function nodeType(type: string): NodeType | undefined {
  return NODE_TYPES.get(type);
}

function fieldOf(text: string): [string, FieldKind] {
  const [name = '', type] = text.split(':');
  if (type !== undefined) return [name, { kind: 'struct', type }];
  if (text.endsWith('[]')) return [text.slice(0, -2), { kind: 'nodes' }];
  if (text.endsWith('*')) return [text.slice(0, -1), { kind: 'node' }];
  if (text.endsWith('~')) return [text.slice(0, -1), { kind: 'names' }];
  return [text, { kind: 'value' }];
}
