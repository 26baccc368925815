using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>Where a value comes from.</summary>
public enum ValueKind
{
    /// <summary>Given anew for each step.</summary>
    Input,

    /// <summary>A weight: bytes that never change.</summary>
    Constant,

    /// <summary>Memory that outlives a step (the KV pool), zeros at first.</summary>
    State,

    /// <summary>Computed by an operation.</summary>
    Result,
}

/// <summary>One SSA value. Values are compared by reference and belong to the graph that made them.</summary>
public sealed class Value
{
    internal Value(ValueKind kind, string name, TensorType type)
    {
        Kind = kind;
        Name = name;
        Type = type;
        State = kind == ValueKind.State ? this : null;
    }

    public ValueKind Kind { get; }

    /// <summary>Unique in its graph; letters, digits, '_' and '.'.</summary>
    public string Name { get; }

    public TensorType Type { get; }

    /// <summary>The operation that computes a <see cref="ValueKind.Result"/>.</summary>
    public Operation? Producer { get; internal set; }

    /// <summary>The state that this value is, or is a later version of; null for all other values.</summary>
    public Value? State { get; internal set; }

    public override string ToString() => $"%{Name} : {Type}";
}

/// <summary>One use of an op: its operands, attributes and results.</summary>
public sealed class Operation
{
    internal Operation(OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes, ImmutableArray<Value> results)
    {
        Definition = definition;
        Operands = operands;
        Attributes = attributes;
        Results = results;
    }

    public OpDefinition Definition { get; }

    public ImmutableArray<Value> Operands { get; }

    public Attributes Attributes { get; }

    public ImmutableArray<Value> Results { get; }

    /// <summary>True if the operation writes a state, and so is never dead.</summary>
    public bool UpdatesState => Definition.StateUpdates.Length > 0;

    public override string ToString() => GraphPrinter.PrintOperation(this);
}

/// <summary>A named result that the caller reads after a step.</summary>
public readonly record struct GraphOutput(string Name, Value Value);

/// <summary>
/// A graph in SSA form: operations in an order in which each comes after all that it reads. Built by <see cref="GraphBuilder"/>
/// and never changed; a pass builds a new graph.
/// </summary>
public sealed class Graph
{
    internal Graph(
        string name,
        ImmutableArray<Value> inputs,
        ImmutableArray<Value> constants,
        ImmutableArray<Value> states,
        ImmutableArray<Operation> operations,
        ImmutableArray<GraphOutput> outputs)
    {
        Name = name;
        Inputs = inputs;
        Constants = constants;
        States = states;
        Operations = operations;
        Outputs = outputs;
    }

    public string Name { get; }

    public ImmutableArray<Value> Inputs { get; }

    public ImmutableArray<Value> Constants { get; }

    public ImmutableArray<Value> States { get; }

    public ImmutableArray<Operation> Operations { get; }

    public ImmutableArray<GraphOutput> Outputs { get; }
}
