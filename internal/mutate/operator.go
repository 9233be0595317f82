package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
)

// swaps are what an operator may be mistaken for.
var swaps = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.AND: {token.OR}, token.OR: {token.AND}, token.AND_NOT: {token.AND}, token.XOR: {token.AND},
	token.SHL: {token.SHR}, token.SHR: {token.SHL},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
	token.OR_ASSIGN: {token.AND_ASSIGN}, token.AND_ASSIGN: {token.OR_ASSIGN}, token.AND_NOT_ASSIGN: {token.OR_ASSIGN},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

// names of functions that make text for people: what is wrong there is no
// wrong answer.
var texts = []string{"String", "GoString", "Error", "panic", "fmt.Errorf", "fmt.Sprintf", "errors.New"}

// finder collects the mutants of a file.
type finder struct {
	source   *source
	file     int
	function string
	place    place
	found    []*mutant
}

// mutants finds every mutant of the package, in the order of the text.
func (s *source) mutants() []*mutant {
	var out []*mutant
	for i, file := range s.files {
		f := finder{source: s, file: i}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Body != nil && !slices.Contains(texts, d.Name.Name) {
					f.function = nameOf(d)
					f.place = place{start: f.offset(d.Body.Lbrace) + 1, end: f.offset(d.Body.Rbrace), results: d.Type.Results != nil}
					f.walk(d.Body)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR {
						for i, e := range v.Values {
							f.function = v.Names[i].Name
							f.place = place{start: f.offset(e.Pos()), end: f.offset(e.End()), value: true}
							f.walk(e)
						}
					}
				}
			}
		}
		out = append(out, f.found...)
	}
	number(out)
	return out
}

// nameOf is Type.Method or Function.
func nameOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if g, ok := t.(*ast.IndexExpr); ok {
		t = g.X
	}
	return types.ExprString(t) + "." + d.Name.Name
}

func (f *finder) offset(p token.Pos) int { return f.source.fset.Position(p).Offset }

func (f *finder) code(n ast.Node) string {
	return string(f.source.text[f.file][f.offset(n.Pos()):f.offset(n.End())])
}

// replace notes a mutant that has text in the place of [from, to).
func (f *finder) replace(from, to token.Pos, text string) *mutant {
	m := &mutant{source: f.source, file: f.file, of: f.place, start: f.offset(from), end: f.offset(to), text: text,
		key: key{file: path.Join(f.source.folder, f.source.names[f.file]), function: f.function}}
	m.describe()
	if m.before != m.after {
		f.found = append(f.found, m)
	}
	return m
}

func (f *finder) drop(n ast.Node) { f.replace(n.Pos(), n.End(), "") }

// operator replaces the operator at a position by what it may be mistaken for.
func (f *finder) operator(at token.Pos, op token.Token) {
	for _, other := range swaps[op] {
		f.replace(at, at+token.Pos(len(op.String())), other.String())
	}
}

func (f *finder) walk(root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			return f.call(n)
		case *ast.ArrayType:
			return false // its length
		case *ast.BinaryExpr:
			f.operator(n.OpPos, n.Op)
			if n.Op == token.LAND || n.Op == token.LOR {
				f.replace(n.Pos(), n.Y.Pos(), "")
				f.replace(n.X.End(), n.End(), "")
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT || n.Op == token.SUB {
				f.replace(n.Pos(), n.X.Pos(), "")
			}
		case *ast.BasicLit:
			f.literal(n)
		case *ast.SelectorExpr:
			f.constant(n, n.Sel)
			f.walk(n.X) // not Sel, which would be seen as a constant again
			return false
		case *ast.Ident:
			f.constant(n, n)
		case *ast.CompositeLit:
			f.elements(n)
		case ast.Stmt:
			f.statement(n)
		}
		return true
	})
}

// call reports whether the arguments are worth mutating.
func (f *finder) call(n *ast.CallExpr) bool {
	name := types.ExprString(n.Fun)
	switch name {
	case "make":
		if len(n.Args) == 3 { // the capacity changes nothing
			f.walk(n.Args[1])
		}
		return len(n.Args) < 3
	case "min":
		f.replace(n.Fun.Pos(), n.Fun.End(), "max")
	case "max":
		f.replace(n.Fun.Pos(), n.Fun.End(), "min")
	}
	return !slices.Contains(texts, name)
}

// literal moves an integer by one.
func (f *finder) literal(n *ast.BasicLit) {
	v, err := strconv.ParseInt(n.Value, 0, 64)
	if n.Kind != token.INT || err != nil {
		return
	}
	f.replace(n.Pos(), n.End(), strconv.FormatInt(v+1, 10))
	if v > 0 {
		f.replace(n.Pos(), n.End(), strconv.FormatInt(v-1, 10))
	}
}

// constant replaces a constant of an enumeration by the next one of its type,
// such as Allow by Deny, and true by false.
func (f *finder) constant(n ast.Expr, id *ast.Ident) {
	c, ok := f.source.info.Uses[id].(*types.Const)
	if !ok {
		return
	}
	if c.Pkg() == nil {
		switch id.Name {
		case "true":
			f.replace(n.Pos(), n.End(), "false")
		case "false":
			f.replace(n.Pos(), n.End(), "true")
		}
		return
	}
	if _, named := c.Type().(*types.Named); !named {
		return
	}
	var others []*types.Const
	for _, name := range c.Pkg().Scope().Names() {
		if o, ok := c.Pkg().Scope().Lookup(name).(*types.Const); ok && types.Identical(o.Type(), c.Type()) && (o.Exported() || n == ast.Expr(id)) {
			others = append(others, o)
		}
	}
	slices.SortStableFunc(others, func(a, b *types.Const) int {
		switch {
		case constant.Compare(a.Val(), token.LSS, b.Val()):
			return -1
		case constant.Compare(b.Val(), token.LSS, a.Val()):
			return 1
		}
		return 0
	})
	i := slices.Index(others, c)
	if i < 0 { // of a function
		return
	}
	for _, next := range slices.Concat(others[i+1:], others[:i]) {
		if constant.Compare(next.Val(), token.NEQ, c.Val()) {
			f.replace(id.Pos(), id.End(), next.Name())
			return
		}
	}
}

// elements drops what a literal lists: a field, an entry, a rule.
func (f *finder) elements(n *ast.CompositeLit) {
	for i, e := range n.Elts {
		_, keyed := e.(*ast.KeyValueExpr)
		if _, structure := f.source.info.Types[n].Type.Underlying().(*types.Struct); structure && !keyed {
			return
		}
		switch {
		case i > 0:
			f.replace(n.Elts[i-1].End(), e.End(), "")
		case len(n.Elts) > 1:
			f.replace(e.Pos(), n.Elts[1].Pos(), "")
		default:
			f.replace(n.Lbrace+1, n.Rbrace, "")
		}
	}
}

func (f *finder) statement(n ast.Stmt) {
	switch n := n.(type) {
	case *ast.IfStmt:
		switch c := n.Cond.(type) {
		case *ast.BinaryExpr:
			if c.Op == token.LAND || c.Op == token.LOR {
				f.replace(c.Pos(), c.End(), "!("+f.code(c)+")")
			}
		case *ast.UnaryExpr: // which loses its negation
		default:
			f.replace(c.Pos(), c.End(), "!"+f.code(c))
		}
		f.body(n.Body)
		if n.Else != nil {
			m := f.replace(n.Body.End(), n.Else.End(), "")
			m.before, m.after = "else "+oneLine(f.code(n.Else)), ""
		}
	case *ast.ForStmt:
		f.loop(n, n.Body)
	case *ast.RangeStmt:
		f.loop(n, n.Body)
	case *ast.CaseClause:
		if len(n.Body) > 0 && !dropped(n.Body) {
			f.replace(n.Body[0].Pos(), n.Body[len(n.Body)-1].End(), "")
		}
	case *ast.BranchStmt:
		f.drop(n)
		switch n.Tok {
		case token.BREAK:
			f.replace(n.Pos(), n.End(), "continue")
		case token.CONTINUE:
			f.replace(n.Pos(), n.End(), "break")
		}
	case *ast.ReturnStmt:
		f.drop(n)
		for _, r := range n.Results {
			if v := f.source.info.Types[r]; v.Value == nil && isBool(v.Type) {
				f.replace(r.Pos(), r.End(), "!("+f.code(r)+")")
			}
		}
	case *ast.ExprStmt:
		f.drop(n)
	case *ast.IncDecStmt:
		f.operator(n.TokPos, n.Tok)
		f.drop(n)
	case *ast.AssignStmt:
		f.operator(n.TokPos, n.Tok)
		if n.Tok != token.DEFINE {
			f.drop(n)
		}
	}
}

// dropped reports whether a body is one statement that is dropped by itself.
func dropped(body []ast.Stmt) bool {
	if len(body) != 1 {
		return false
	}
	switch s := body[0].(type) {
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	case *ast.BranchStmt, *ast.ReturnStmt, *ast.ExprStmt, *ast.IncDecStmt:
		return true
	}
	return false
}

func (f *finder) body(b *ast.BlockStmt) {
	if len(b.List) > 0 && !dropped(b.List) {
		f.replace(b.Lbrace+1, b.Rbrace, "")
	}
}

// loop mutates to a loop that does nothing, and to one that ends after its
// first round.
func (f *finder) loop(n ast.Stmt, b *ast.BlockStmt) {
	f.body(b)
	if len(b.List) > 0 {
		m := f.replace(b.Rbrace, b.Rbrace, "; break; ")
		head := oneLine(string(f.source.text[f.file][f.offset(n.Pos()):f.offset(b.Lbrace)]))
		m.before, m.after = head+" { ... }", head+" { ...; break }"
	}
}

func isBool(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Kind() == types.Bool
}
