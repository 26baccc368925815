using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>Collects cases of one precision; an id that is there already is not added again.</summary>
internal sealed class CaseList(Profile profile, Capabilities capabilities, Precision precision)
{
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

    public List<OpCase> Cases { get; } = [];

    public bool IsFull => profile == Profile.Full;

    public Capabilities Capabilities => capabilities;

    public Precision Precision => precision;

    /// <summary>Adds a case.</summary>
    /// <param name="name">Types, shape, layout and probe, as they stand in the id.</param>
    /// <param name="spec">What it runs.</param>
    public void Add(CaseName name, OpSpec spec)
    {
        string id = $"op/{spec.Op.Name}/{name.Types}/{name.Shape}/{name.Layout}/{name.Probe}/{precision.ToString().ToLowerInvariant()}";
        if (_ids.Add(id))
        {
            Cases.Add(new OpCase(id, spec, precision));
        }
    }

    /// <summary>Adds a case without symbols.</summary>
    public void Add(CaseName name, OpDefinition op, Attributes attributes, Func<CaseRandom, OpTensor[]> make, bool isProbe = false) =>
        Add(name, new OpSpec(op, attributes, default, make) { IsProbe = isProbe });
}

/// <summary>Parts of a case's id.</summary>
internal readonly record struct CaseName(string Types, string Shape, string Layout, string Probe);
