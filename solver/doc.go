// Package solver asks questions about whole sets of endpoints of an
// engine.Index: [Ask] whether any, all or none of them connect, with a
// witness; [List] every connection. Sides are written as endpoint expressions
// ([ParseExpr], [Resolve]) and ports as port lists ([ParsePorts]).
package solver
