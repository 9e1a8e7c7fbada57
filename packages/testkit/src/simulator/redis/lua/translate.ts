/**
 * Lua, as far as the scripts in `static/redis` use it, as JavaScript: so that the simulator runs the very scripts that Redis
 * runs. What they do not use is refused here by name. Tables are {@link LuaTable}, `nil` is `undefined`, and several results
 * of a function are {@link Values}.
 */
// @ts-expect-error The parser has no types.
import { parse } from 'luaparse'

/** A node of the parser's tree. */
// biome-ignore lint/suspicious/noExplicitAny: the parser's types leave out what depends on its options
type Node = any

/** Names that the code uses of its environment. */
const ENVIRONMENT = 'L'

class Scope {
  private readonly names = new Map<string, string>()
  private readonly parent: Scope | undefined
  private readonly counter: { count: number }

  constructor(parent?: Scope) {
    this.parent = parent
    this.counter = parent?.counter ?? { count: 0 }
  }

  /** Every declaration is a variable of its own: Lua allows two of one name in one block. */
  declare(name: string): string {
    const own = `${name}$${++this.counter.count}`
    this.names.set(name, own)
    return own
  }

  find(name: string): string | undefined {
    return this.names.get(name) ?? this.parent?.find(name)
  }

  temporary(): string {
    return `t$${++this.counter.count}`
  }
}

/** Where statements of a function go: it declares the temporaries that its expressions need. */
interface Frame {
  readonly scope: Scope
  readonly temporaries: string[]
}

/** @returns the body of a function of `L`, its environment */
export function translate(source: string): string {
  const { body } = parse(source, {
    luaVersion: '5.1',
    comments: false,
    scope: false,
    encodingMode: 'pseudo-latin1',
  }) as Node
  const frame: Frame = { scope: new Scope(), temporaries: [] }
  const code = block(body, frame)
  return `'use strict'\n${declared(frame)}${code}`
}

function declared({ temporaries }: Frame): string {
  return temporaries.length === 0 ? '' : `let ${temporaries.join(', ')}\n`
}

function block(statements: readonly Node[], frame: Frame): string {
  return statements.map((each) => statement(each, frame)).join('\n')
}

function inner(statements: readonly Node[], { scope, temporaries }: Frame): string {
  return `{\n${block(statements, { scope: new Scope(scope), temporaries })}\n}`
}

function statement(node: Node, frame: Frame): string {
  switch (node.type) {
    case 'LocalStatement':
      return local(node, frame)
    case 'AssignmentStatement':
      return assignment(node, frame)
    case 'CallStatement':
      return `${expression(node.expression, frame)};`
    case 'FunctionDeclaration':
      return declaration(node, frame)
    case 'ReturnStatement':
      return `return ${results(node.arguments, frame)};`
    case 'BreakStatement':
      return 'break;'
    case 'DoStatement':
      return inner(node.body, frame)
    case 'WhileStatement':
      return `while (${condition(node.condition, frame)}) ${inner(node.body, frame)}`
    case 'IfStatement':
      return node.clauses
        .map(({ condition: when, body }: Node, index: number) => {
          const head = when ? `${index > 0 ? 'else ' : ''}if (${condition(when, frame)}) ` : 'else '
          return head + inner(body, frame)
        })
        .join(' ')
    case 'ForNumericStatement':
      return numericFor(node, frame)
    case 'ForGenericStatement':
      return genericFor(node, frame)
    default:
      throw new Error(`The simulator does not know ${node.type} of Lua`)
  }
}

function local({ variables, init }: Node, frame: Frame): string {
  if (init.length <= 1 && variables.length === 1) {
    const value = init[0] ? single(init[0], frame) : 'undefined'
    return `let ${frame.scope.declare(variables[0].name)} = ${value};`
  }
  const values = `[${list(init, frame)}]`
  const names = variables.map(({ name }: Node) => frame.scope.declare(name))
  if (init.length === 0) return `let ${names.join(', ')};`
  return `let [${names.join(', ')}] = ${values};`
}

function assignment({ variables, init }: Node, frame: Frame): string {
  if (variables.length === 1 && init.length === 1) return `${assign(variables[0], single(init[0], frame), frame)};`
  const temporary = frame.scope.temporary()
  const writes = variables.map((each: Node, index: number) => `${assign(each, `${temporary}[${index}]`, frame)};`)
  return `{ const ${temporary} = [${list(init, frame)}]; ${writes.join(' ')} }`
}

function assign(target: Node, value: string, frame: Frame): string {
  switch (target.type) {
    case 'Identifier': {
      const own = frame.scope.find(target.name)
      if (!own) throw new Error(`The script sets the global ${target.name}`)
      return `${own} = ${value}`
    }
    case 'MemberExpression':
      return `${ENVIRONMENT}.set(${single(target.base, frame)}, ${JSON.stringify(target.identifier.name)}, ${value})`
    case 'IndexExpression':
      return `${ENVIRONMENT}.set(${single(target.base, frame)}, ${single(target.index, frame)}, ${value})`
    default:
      throw new Error(`The simulator cannot assign to ${target.type}`)
  }
}

function declaration({ identifier, isLocal, ...node }: Node, frame: Frame): string {
  if (!isLocal) return `${assign(identifier, functionOf(node, frame), frame)};`
  // Declared before its body, which may call it.
  const name = frame.scope.declare(identifier.name)
  return `const ${name} = ${functionOf(node, frame)};`
}

function functionOf({ parameters, body }: Node, frame: Frame): string {
  const own: Frame = { scope: new Scope(frame.scope), temporaries: [] }
  const names = parameters.map((each: Node) =>
    each.type === 'VarargLiteral' ? '...varargs' : own.scope.declare(each.name),
  )
  const code = block(body, own)
  return `((${names.join(', ')}) => {\n${declared(own)}${code}\n})`
}

function numericFor({ variable, start, end, step, body }: Node, frame: Frame): string {
  const scope = new Scope(frame.scope)
  const [from, to, by] = [single(start, frame), single(end, frame), step ? single(step, frame) : '1']
  const [count, last, stride] = [scope.temporary(), scope.temporary(), scope.temporary()]
  const name = scope.declare(variable.name)
  const code = block(body, { scope, temporaries: frame.temporaries })
  const heads = `let ${count} = ${from}, ${last} = ${to}, ${stride} = ${by}`
  const goesOn = `${stride} > 0 ? ${count} <= ${last} : ${count} >= ${last}`
  return `for (${heads}; ${goesOn}; ${count} += ${stride}) { let ${name} = ${count};\n${code}\n}`
}

/** Over what `pairs`, `ipairs` and `string.gmatch` give. */
function genericFor({ variables, iterators, body }: Node, frame: Frame): string {
  if (iterators.length !== 1) throw new Error('The simulator knows for loops over pairs, ipairs and gmatch')
  const over = single(iterators[0], frame)
  const scope = new Scope(frame.scope)
  const names = variables.map(({ name }: Node) => scope.declare(name))
  const code = block(body, { scope, temporaries: frame.temporaries })
  return `for (let [${names.join(', ')}] of ${over}) {\n${code}\n}`
}

/** What a function returns: nothing, one value as it is, or several. */
function results(nodes: readonly Node[], frame: Frame): string {
  const [first] = nodes
  if (!first) return ''
  if (nodes.length === 1)
    return first.type === 'VarargLiteral' ? `${ENVIRONMENT}.values(varargs)` : expression(first, frame)
  return `${ENVIRONMENT}.values([${list(nodes, frame)}])`
}

/** Arguments, or values of a list: the last one may be several. */
function list(nodes: readonly Node[], frame: Frame): string {
  return nodes
    .map((node, index) => {
      if (index < nodes.length - 1) return single(node, frame)
      if (node.type === 'VarargLiteral') return '...varargs'
      return isCall(node) ? `...${ENVIRONMENT}.spread(${expression(node, frame)})` : expression(node, frame)
    })
    .join(', ')
}

function isCall({ type }: Node): boolean {
  return type === 'CallExpression' || type === 'TableCallExpression' || type === 'StringCallExpression'
}

/** The value of an expression, the first one if there are several. */
function single(node: Node, frame: Frame): string {
  if (node.type === 'VarargLiteral') return 'varargs[0]'
  return isCall(node) ? `${ENVIRONMENT}.first(${expression(node, frame)})` : expression(node, frame)
}

const COMPARISONS: Readonly<Record<string, string>> = {
  ...{ '==': '===', '~=': '!==', '<': '<', '<=': '<=', '>': '>', '>=': '>=' },
}
const ARITHMETIC: ReadonlySet<string> = new Set(['-', '*', '/'])

function expression(node: Node, frame: Frame): string {
  switch (node.type) {
    case 'StringLiteral':
      return JSON.stringify(node.value)
    case 'NumericLiteral':
      return String(node.value)
    case 'BooleanLiteral':
      return String(node.value)
    case 'NilLiteral':
      return 'undefined'
    case 'VarargLiteral':
      return 'varargs'
    case 'Identifier':
      return frame.scope.find(node.name) ?? `${ENVIRONMENT}.${node.name}`
    case 'MemberExpression':
      if (isGlobal(node.base, frame)) return `${ENVIRONMENT}.${node.base.name}.${node.identifier.name}`
      return `${ENVIRONMENT}.get(${single(node.base, frame)}, ${JSON.stringify(node.identifier.name)})`
    case 'IndexExpression':
      return `${ENVIRONMENT}.get(${single(node.base, frame)}, ${single(node.index, frame)})`
    case 'CallExpression':
      if (node.base.type === 'MemberExpression' && node.base.indexer === ':') {
        throw new Error('The simulator does not know methods of Lua')
      }
      return `${expression(node.base, frame)}(${list(node.arguments, frame)})`
    case 'TableCallExpression':
      return `${expression(node.base, frame)}(${expression(node.arguments, frame)})`
    case 'StringCallExpression':
      return `${expression(node.base, frame)}(${expression(node.argument, frame)})`
    case 'TableConstructorExpression':
      return table(node, frame)
    case 'FunctionDeclaration':
      return functionOf(node, frame)
    case 'UnaryExpression':
      return unary(node, frame)
    case 'LogicalExpression':
      return logical(node, frame)
    case 'BinaryExpression':
      return binary(node, frame)
    default:
      throw new Error(`The simulator does not know ${node.type} of Lua`)
  }
}

/** A library of Lua, or what Redis gives to a script. */
function isGlobal({ type, name }: Node, { scope }: Frame): boolean {
  return type === 'Identifier' && scope.find(name) === undefined
}

function unary({ operator, argument }: Node, frame: Frame): string {
  if (operator === 'not') return `!(${condition(argument, frame)})`
  if (operator === '#') return `${ENVIRONMENT}.length(${single(argument, frame)})`
  return `-(${single(argument, frame)})`
}

function logical({ operator, left, right }: Node, frame: Frame): string {
  const value = frame.scope.temporary()
  frame.temporaries.push(value)
  const held = `(${value} = ${single(left, frame)}, ${value} !== undefined && ${value} !== false)`
  const other = single(right, frame)
  return operator === 'and' ? `(${held} ? ${other} : ${value})` : `(${held} ? ${value} : ${other})`
}

function binary({ operator, left, right }: Node, frame: Frame): string {
  const [a, b] = [single(left, frame), single(right, frame)]
  const comparison = COMPARISONS[operator]
  if (comparison) return `(${a} ${comparison} ${b})`
  if (operator === '..') return `${ENVIRONMENT}.concat(${a}, ${b})`
  if (operator === '+') return `${ENVIRONMENT}.add(${a}, ${b})`
  if (operator === '%') return `${ENVIRONMENT}.modulo(${a}, ${b})`
  if (ARITHMETIC.has(operator)) return `(${a} ${operator} ${b})`
  throw new Error(`The simulator does not know ${operator} of Lua`)
}

function condition(node: Node, frame: Frame): string {
  if (node.type === 'LogicalExpression') {
    const sign = node.operator === 'and' ? '&&' : '||'
    return `(${condition(node.left, frame)} ${sign} ${condition(node.right, frame)})`
  }
  if (node.type === 'UnaryExpression' && node.operator === 'not') return `!(${condition(node.argument, frame)})`
  if (node.type === 'BinaryExpression' && COMPARISONS[node.operator]) return binary(node, frame)
  return `${ENVIRONMENT}.holds(${single(node, frame)})`
}

function table({ fields }: Node, frame: Frame): string {
  if (fields.length === 0) return `${ENVIRONMENT}.make()`
  const values = fields.filter(({ type }: Node) => type === 'TableValue').map(({ value }: Node) => value)
  const named = fields.filter(({ type }: Node) => type !== 'TableValue')
  const pairs = named.map(({ type, key, value }: Node) => {
    const name = type === 'TableKeyString' ? JSON.stringify(key.name) : single(key, frame)
    return `[${name}, ${single(value, frame)}]`
  })
  const listed = `[${list(values, frame)}]`
  return pairs.length === 0 ? `${ENVIRONMENT}.make(${listed})` : `${ENVIRONMENT}.make(${listed}, [${pairs.join(', ')}])`
}
