using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>How closely an op keeps to its definition.</summary>
public enum Precision
{
    /// <summary>No operand is rounded below f32.</summary>
    Exact = 0,

    /// <summary>An op may round activations, and weights on reading, as the device declares.</summary>
    Fast = 1,
}

/// <summary>What a tensor of a launch is.</summary>
public enum TensorRole
{
    /// <summary>An input of the step: the host has its bytes, unless it is bound to an earlier result.</summary>
    Input = 0,

    /// <summary>A weight: given to <c>prepare</c>, absent at launch.</summary>
    Constant = 1,

    /// <summary>Memory that outlives the step.</summary>
    State = 2,

    /// <summary>Computed by an op.</summary>
    Result = 3,
}

/// <summary>Type, shape and layout of one operand or result.</summary>
/// <param name="Element">Element type.</param>
/// <param name="Dims">Dimensions, outermost first; their codes cross the line as 64-bit integers.</param>
/// <param name="Role">Where the tensor comes from.</param>
/// <param name="Strided">False: row-major, rows apart by the last dimension rounded up to the device's row multiple (constants:
/// dense). True: any strides, zeros included. The strides of a launch come with its arguments.</param>
public sealed record TensorDescriptor(ElementType Element, ImmutableArray<Dim> Dims, TensorRole Role, bool Strided)
{
    public int Rank => Dims.Length;

    /// <summary>Dimension <paramref name="axis"/> when the symbols are bound; negative axes count from the end.</summary>
    public long Dim(int axis, in Bindings bindings) => Dims[axis < 0 ? Rank + axis : axis].Resolve(bindings);

    /// <summary>Product of the dimensions first .. last - 1.</summary>
    public long Product(int first, int last, in Bindings bindings)
    {
        long product = 1;
        for (int i = first; i < last; i++)
        {
            product *= Dims[i].Resolve(bindings);
        }

        return product;
    }

    public long Elements(in Bindings bindings) => Product(0, Rank, bindings);

    public override string ToString() => $"{Element.Name()}{new Shape(Dims.AsSpan())}{(Strided ? " strided" : "")}";
}

/// <summary>An op as it is offered to a device: a name, attributes, operands and results, all of them data.</summary>
/// <param name="Name">Name of the op, as in <c>docs/ir.md</c>.</param>
/// <param name="Attributes">Keys to i64, f64 or string.</param>
/// <param name="Operands">In the op's order.</param>
/// <param name="Results">In the op's order.</param>
/// <param name="Maxima">The largest value of each symbol in any launch.</param>
/// <param name="Precision">How closely to keep to the definition.</param>
public sealed record OpDescriptor(
    string Name,
    Attributes Attributes,
    ImmutableArray<TensorDescriptor> Operands,
    ImmutableArray<TensorDescriptor> Results,
    Bindings Maxima,
    Precision Precision)
{
    public override string ToString() =>
        $"{Name}({string.Join(", ", Operands)}){(Attributes.Count == 0 ? "" : $" {{{Attributes}}}")} -> {string.Join(", ", Results)}";
}

/// <summary>A device's answer to an op that is offered.</summary>
/// <param name="IsSupported">Whether a kernel can be prepared.</param>
/// <param name="Reason">Why not, in a few words; null if supported.</param>
/// <param name="StridedOperands">Bit i: operand i may be strided. Lowering copies a view for any other operand.</param>
/// <param name="ConstantBytes">Upper bound of the device memory that the packed constants of the kernel take.</param>
public readonly record struct Support(bool IsSupported, string? Reason, ulong StridedOperands, long ConstantBytes)
{
    public static Support Yes(ulong stridedOperands = 0, long constantBytes = 0) => new(true, null, stridedOperands, constantBytes);

    public static Support No(string reason) => new(false, reason, 0, 0);
}

/// <summary>What a kernel says of itself once it is prepared.</summary>
/// <param name="ReadsOperands">Bit i: launches read the argument of operand i. Other arguments are absent, and inputs that no
/// kernel reads are not uploaded.</param>
/// <param name="HostOperands">Bit i: a launch reads the host's bytes of input i; they come with the argument.</param>
/// <param name="InPlace">Pairs (operand, result) that may lie in the same memory.</param>
/// <param name="ReadsBack">The launch waits for the device to read an index back; counted in the ledger.</param>
/// <param name="KeepsHostConstants">Launches go on reading the host's memory of the constants.</param>
/// <param name="ConstantBytes">Device memory that the packed constants take.</param>
public sealed record KernelInfo(
    ulong ReadsOperands,
    ulong HostOperands,
    ImmutableArray<(int Operand, int Result)> InPlace,
    bool ReadsBack,
    bool KeepsHostConstants,
    long ConstantBytes);

/// <summary>One tensor of a launch: an address and strides. Owned and reused by the runtime; a kernel keeps no reference to it.</summary>
public struct Argument
{
    /// <summary>Null where the operand is a constant or one that the kernel said it does not read.</summary>
    public IBuffer? Buffer;

    /// <summary>Bytes from the start of the buffer.</summary>
    public long Offset;

    /// <summary>Elements from one index to the next on each axis.</summary>
    public long[] Strides;

    /// <summary>The host's bytes of an input, if the kernel asked for them; valid until the step's event.</summary>
    public nint HostBytes;
}
