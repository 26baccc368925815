using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Describes operations as data, offers them to one device and remembers its answers.</summary>
internal sealed class OpOffers(Device device, SessionOptions options)
{
    private readonly Dictionary<string, Support> _answers = new(StringComparer.Ordinal);

    public Device Device => device;

    public static OpDescriptor Describe(
        OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes, SessionOptions options, ulong strided = 0)
    {
        ImmutableArray<TensorType> types = definition.Infer([.. operands.Select(o => o.Type)], attributes);
        var updates = definition.StateUpdates.Select(u => u.Result).ToHashSet();
        return new(
            definition.Name,
            attributes,
            [.. operands.Select((o, i) => new TensorDescriptor(o.Type.Element, o.Type.Shape.Dims, Role(o), (strided >> i & 1) != 0))],
            [.. types.Select((t, i) => new TensorDescriptor(
                t.Element, t.Shape.Dims, updates.Contains(i) ? TensorRole.State : TensorRole.Result, false))],
            options.Maxima,
            options.Precision);
    }

    /// <summary>The device's answer to the op with dense operands.</summary>
    public Support Ask(OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes)
    {
        OpDescriptor offer = Describe(definition, operands, attributes, options);
        string key = $"{offer} {string.Join(',', offer.Operands.Select(o => (int)o.Role))}";
        if (!_answers.TryGetValue(key, out Support answer))
        {
            device.Check(device.Handle.Supports(offer, out answer), $"supports {offer}");
            _answers.Add(key, answer);
        }

        return answer;
    }

    /// <summary>The value whose bytes a chain of reshapes shows: one keeps them, other views do not.</summary>
    public static Value ThroughReshapes(Value value)
    {
        Value root = value;
        while (root.Producer?.Definition is Reshape)
        {
            root = root.Producer.Operands[0];
        }

        return root;
    }

    /// <summary>A reshape keeps the bytes, so what it shows is still an input or a constant; other views are not.</summary>
    private static TensorRole Role(Value value)
    {
        Value root = ThroughReshapes(value);
        return root.State is not null ? TensorRole.State
            : root.Kind == ValueKind.Constant ? TensorRole.Constant
            : root.Kind == ValueKind.Input ? TensorRole.Input
            : TensorRole.Result;
    }
}
