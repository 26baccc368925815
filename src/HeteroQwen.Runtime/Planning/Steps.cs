using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>One instruction of a plan.</summary>
internal abstract class PlanStep
{
    /// <summary>The line of the ledger that its bytes count for; null for what stays on the device.</summary>
    public LedgerRow? Row { get; init; }
}

/// <summary>A constant operand: the constant's name and the shape in which the op sees it.</summary>
internal sealed record ConstantOperand(string Name, TensorType Type);

/// <summary>Runs a kernel.</summary>
internal sealed class LaunchStep : PlanStep
{
    public required Side Side { get; init; }

    /// <summary>Name of the first result, for timings and errors.</summary>
    public required string Label { get; init; }

    public required OpDefinition Definition { get; init; }

    public required OpDescriptor Descriptor { get; init; }

    /// <summary>Operands, then results; null where the operand is a constant.</summary>
    public required ImmutableArray<TensorView?> Views { get; init; }

    public required ImmutableArray<ConstantOperand?> Constants { get; init; }

    /// <summary>The graph's input of each operand that is one; null for all others.</summary>
    public required ImmutableArray<string?> Inputs { get; init; }

    public required double Flops { get; init; }

    /// <summary>Upper bound of the device memory that the kernel's packed constants take.</summary>
    public long ConstantBytes { get; init; }

    /// <summary>True if a launch with this kernel reads operand <paramref name="i"/>.</summary>
    public static bool Reads(KernelInfo? kernel, int i) => kernel is null || (kernel.ReadsOperands >> i & 1) != 0;
}

/// <summary>Copies a value from one side to the other, through pinned memory.</summary>
internal sealed class TransferStep : PlanStep
{
    public required Storage From { get; init; }

    public required Storage To { get; init; }
}

/// <summary>An input as one side needs it.</summary>
internal sealed record InputUse(string Name, Side Side, Storage Storage);

/// <summary>An output and where it is found after the last step.</summary>
internal sealed record OutputUse(string Name, TensorView View);

/// <summary>All that a session runs each step, before memory is given out.</summary>
internal sealed record Plan(
    ImmutableArray<PlanStep> Steps,
    ImmutableArray<InputUse> Inputs,
    ImmutableArray<OutputUse> Outputs,
    ImmutableArray<Storage> States,
    ImmutableArray<Storage> Storages,
    Ledger Ledger);
