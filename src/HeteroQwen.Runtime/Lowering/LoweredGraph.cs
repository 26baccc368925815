using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Where an operation runs, and for the host why.</summary>
public readonly record struct Placement(Side Side, string? Reason);

/// <summary>
/// A graph of which each operation that is no view is one that its side runs as it stands. Placements are keyed by the name of an
/// operation's first result.
/// </summary>
public sealed class LoweredGraph
{
    private readonly Dictionary<string, Placement> _placements;

    internal LoweredGraph(
        Graph graph, Dictionary<string, Placement> placements, Dictionary<string, Expansion> expansions, IReadOnlySet<string> opened)
    {
        Graph = graph;
        Opened = opened;
        _placements = placements;
        Expansions = expansions;
    }

    public Graph Graph { get; }

    /// <summary>Names of the composites of which at least one was decomposed.</summary>
    public IReadOnlySet<string> Opened { get; }

    /// <summary>Constants of <see cref="Graph"/> that are others of the model, expanded: name -> what of.</summary>
    internal Dictionary<string, Expansion> Expansions { get; }

    /// <summary>Where an operation runs; views run nowhere and are said to be on the device.</summary>
    public Placement PlacementOf(Operation operation) => _placements.GetValueOrDefault(operation.Results[0].Name);

    /// <summary>Operations that run on the host.</summary>
    public IEnumerable<Operation> HostOperations => Graph.Operations.Where(o => PlacementOf(o).Side == Side.Host);
}

/// <summary>A constant whose type the device cannot read, as another one.</summary>
internal sealed record Expansion(string Source, ElementType To);
