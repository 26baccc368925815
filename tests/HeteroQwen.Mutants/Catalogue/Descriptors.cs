using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Ops with another attribute, and the faults that are no more than that.</summary>
internal static class Descriptors
{
    public static OpDescriptor With(this OpDescriptor op, string attribute, AttributeValue value)
    {
        (string, AttributeValue)[] pairs = [.. op.Attributes.Select(p => (p.Key, p.Key == attribute ? value : p.Value))];
        Attributes changed = new(pairs);
        return changed.Equals(op.Attributes) ? op : op with { Attributes = changed };
    }

    /// <summary>The fault that an attribute is taken as another value.</summary>
    public static Fault Takes(string attribute, Func<OpDescriptor, AttributeValue> value) =>
        new() { Rewrite = op => op.Attributes.Contains(attribute) ? op.With(attribute, value(op)) : op };

    public static bool IsKind(this Launch launch, string kind) => launch.Op.Attributes.Text("kind") == kind;
}
