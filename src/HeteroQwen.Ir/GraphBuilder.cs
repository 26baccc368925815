using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>Builds a <see cref="Graph"/>; each operation's constraints are checked as it is emitted. Used once.</summary>
public sealed class GraphBuilder(string name)
{
    private readonly ImmutableArray<Value>.Builder _inputs = ImmutableArray.CreateBuilder<Value>();
    private readonly ImmutableArray<Value>.Builder _constants = ImmutableArray.CreateBuilder<Value>();
    private readonly ImmutableArray<Value>.Builder _states = ImmutableArray.CreateBuilder<Value>();
    private readonly ImmutableArray<Operation>.Builder _operations = ImmutableArray.CreateBuilder<Operation>();
    private readonly ImmutableArray<GraphOutput>.Builder _outputs = ImmutableArray.CreateBuilder<GraphOutput>();
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _lastNumbers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _reserved = new(StringComparer.Ordinal);

    /// <summary>Name of the values emitted from here on, until it is set again; a number tells them apart.</summary>
    public string Scope { get; set; } = "v";

    public Value Input(string name, TensorType type) => Declare(_inputs, ValueKind.Input, name, type);

    public Value Constant(string name, TensorType type) => Declare(_constants, ValueKind.Constant, name, type);

    public Value State(string name, TensorType type) => Declare(_states, ValueKind.State, name, type);

    /// <summary>Adds an operation and returns its results.</summary>
    /// <param name="definition">The op.</param>
    /// <param name="operands">Values of this builder.</param>
    /// <param name="attributes">Attributes, as the op's constraints demand.</param>
    /// <param name="resultNames">Names of the results; none to name them after <see cref="Scope"/>.</param>
    /// <exception cref="ConstraintException">A constraint of the op does not hold.</exception>
    public ImmutableArray<Value> Emit(
        OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes, ImmutableArray<string> resultNames = default)
    {
        ImmutableArray<TensorType> types = definition.Infer([.. operands.Select(o => o.Type)], attributes);
        var results = ImmutableArray.CreateBuilder<Value>(types.Length);
        for (int i = 0; i < types.Length; i++)
        {
            results.Add(new Value(ValueKind.Result, UniqueName(resultNames.IsDefaultOrEmpty ? Scope : resultNames[i]), types[i]));
        }

        Operation operation = new(definition, operands, attributes, results.ToImmutable());
        foreach (Value result in operation.Results)
        {
            result.Producer = operation;
        }

        foreach ((int operand, int result) in definition.StateUpdates)
        {
            operation.Results[result].State = operands[operand].State;
        }

        _operations.Add(operation);
        return operation.Results;
    }

    public void Output(string name, Value value) => _outputs.Add(new GraphOutput(name, value));

    /// <summary>Declares the inputs, constants and states of another graph here, and returns old value -> new value.</summary>
    /// <param name="graph">The other graph.</param>
    /// <param name="wanted">Tells which values to declare; all, if absent.</param>
    public Dictionary<Value, Value> DeclareLike(Graph graph, Func<Value, bool>? wanted = null)
    {
        Dictionary<Value, Value> map = [];
        void Declare(IEnumerable<Value> values, Func<string, TensorType, Value> declare)
        {
            foreach (Value value in values.Where(v => wanted is null || wanted(v)))
            {
                map[value] = declare(value.Name, value.Type);
            }
        }

        Declare(graph.Inputs, Input);
        Declare(graph.Constants, Constant);
        Declare(graph.States, State);
        return map;
    }

    /// <summary>Keeps a name free for an operation to come, until <see cref="Release"/>.</summary>
    internal void Reserve(string valueName) => _reserved.Add(valueName);

    internal void Release(string valueName) => _reserved.Remove(valueName);

    public Graph Build() => new(
        name, _inputs.ToImmutable(), _constants.ToImmutable(), _states.ToImmutable(), _operations.ToImmutable(), _outputs.ToImmutable());

    private Value Declare(ImmutableArray<Value>.Builder list, ValueKind kind, string valueName, TensorType type)
    {
        if (!_names.Add(valueName))
        {
            throw new ArgumentException($"the graph has a value named %{valueName} already", nameof(valueName));
        }

        Value value = new(kind, valueName, type);
        list.Add(value);
        return value;
    }

    /// <summary>The name itself if it is free, then name.2, name.3, ...</summary>
    private string UniqueName(string wanted)
    {
        string unique = wanted;
        int number = _lastNumbers.GetValueOrDefault(wanted, 1);
        while (_reserved.Contains(unique) || !_names.Add(unique))
        {
            number++;
            unique = $"{wanted}.{number}";
            _lastNumbers[wanted] = number;
        }

        return unique;
    }
}
