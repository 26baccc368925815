using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Writes a changed copy of a constant's bytes before they are packed.</summary>
internal delegate void Pack(OpDescriptor op, int operand, Span<byte> bytes);

/// <summary>Allocates in place of the device.</summary>
internal delegate Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer);

/// <summary>
/// The hooks by which a fault comes into a device. Those of an op are called for the ops that the mutant concerns only; what a hook
/// leaves alone works as the processor does it.
/// </summary>
internal sealed class Fault
{
    public Func<Capabilities, Capabilities>? Claims { get; init; }

    public Func<OpDescriptor, Support, Support>? Supports { get; init; }

    /// <summary>The outcome of prepare in place of the device's; null to let it prepare.</summary>
    public Func<OpDescriptor, Status?>? Prepare { get; init; }

    /// <summary>The op that is prepared in place of the one asked for.</summary>
    public Func<OpDescriptor, OpDescriptor>? Rewrite { get; init; }

    public Pack? Pack { get; init; }

    /// <summary>The constant that is packed in place of the one given.</summary>
    public Func<ConstantData, ConstantData>? Constant { get; init; }

    public Func<OpDescriptor, KernelInfo, KernelInfo>? Info { get; init; }

    public Func<OpDescriptor, Bindings, long, long>? Workspace { get; init; }

    /// <summary>True if <see cref="Launch.In"/> is asked for constants, whose values are then kept.</summary>
    public bool ReadsWeights { get; init; }

    public Action<Launch>? Before { get; init; }

    public Action<Launch>? After { get; init; }

    /// <summary>The status of a launch, given that of the device.</summary>
    public Func<Launch, Status, Status>? Outcome { get; init; }

    public Func<IDevice, Allocate>? Allocate { get; init; }

    public Action<IBuffer>? Release { get; init; }

    public Action<OpDescriptor>? ReleaseKernel { get; init; }

    public Func<MutantStream, MutantStream>? Stream { get; init; }

    /// <summary>Set by the device: the fault has come into effect.</summary>
    public Action Fire { get; set; } = () => { };
}
