using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>A device of a backend, or one that is missing and why.</summary>
/// <param name="Index">Number within the backend.</param>
/// <param name="Name">What the vendor calls it.</param>
/// <param name="Available">Whether it can be opened.</param>
/// <param name="Reason">Why not; null if available.</param>
/// <param name="MemoryBytes">Memory of the device; 0 if not known.</param>
/// <param name="Tiers">Kernel tiers that this machine can run, best first; empty if there is but one.</param>
/// <param name="Notes">Remarks for the user.</param>
public sealed record DeviceInfo(
    int Index, string Name, bool Available, string? Reason, long MemoryBytes, ImmutableArray<string> Tiers, ImmutableArray<string> Notes);

/// <summary>
/// What a chip implements. All that crosses this line is data: descriptors, statuses, handles. <c>heteroqwen_backend.h</c>
/// says the same in C, member by member.
/// <para>Calls for one device come from one thread at a time, not always the same one. No member throws; errors are statuses.
/// Every handle is released by <c>Dispose</c>, once, after the last work that uses it has completed; nothing is released by a
/// finalizer.</para>
/// </summary>
public interface IBackend
{
    /// <summary>Name for <c>-b</c>: lower-case letters and digits.</summary>
    string Name { get; }

    /// <summary>All devices, absent ones with the reason; an absent driver gives one entry that says so.</summary>
    Status Devices(out ImmutableArray<DeviceInfo> devices);

    /// <summary>Opens a device. Options: <c>threads</c> (i64) and <c>tier</c> (string); one that the device does not know or
    /// cannot honour is refused by name.</summary>
    Status Open(int index, Attributes options, out IDevice? device);
}

/// <summary>An open device.</summary>
public interface IDevice : IDisposable
{
    Capabilities Capabilities { get; }

    /// <summary>Whether the op can be prepared. The truth, both ways: a yes that <c>prepare</c> or a launch takes back is an
    /// over-claim.</summary>
    Status Supports(OpDescriptor op, out Support support);

    /// <summary>Picks, compiles or packs the kernel of an op.</summary>
    /// <param name="op">As offered to <see cref="Supports"/>; operands that may be strided and are say so.</param>
    /// <param name="constants">One entry per operand, null where it is no constant. The bytes are read during the call, and after
    /// it only if the kernel says so; those of a generated constant, which <see cref="ConstantData.Read"/> makes, during the call, and
    /// <see cref="HostConstants"/> keeps them for a kernel that reads host memory. Equal identities are equal bytes, so that readers
    /// can share a packed form.</param>
    /// <param name="kernel">The kernel; null unless ok.</param>
    Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel);

    /// <summary>Allocates a buffer; its contents are not defined. Never called with 0 bytes or more than the largest buffer.</summary>
    Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer);

    /// <summary>Creates an in-order stream.</summary>
    Status CreateStream(out IStream? stream);

    /// <summary>Measures what the device can do at most, in a few tenths of a second and while no work is under way. Optional: on
    /// Unsupported its rates are shown beside no limit.</summary>
    /// <param name="precision">Of the products.</param>
    /// <param name="weights">Type of their weights.</param>
    /// <param name="peaks">The limits.</param>
    Status MeasurePeaks(Precision precision, ElementType weights, out Peaks peaks)
    {
        peaks = default;
        return Status.Unsupported("measure_peaks");
    }
}

/// <summary>Where a buffer lies.</summary>
public enum MemoryKind
{
    /// <summary>Where kernels read and write.</summary>
    Device = 0,

    /// <summary>Host memory from and to which the device copies without staging.</summary>
    PinnedHost = 1,
}

/// <summary>A piece of memory made by <see cref="IDevice.Allocate"/>.</summary>
public interface IBuffer : IDisposable
{
    long Bytes { get; }

    /// <summary>Host address of the first byte; 0 where the host cannot reach the memory (never for pinned host memory).</summary>
    nint HostAddress { get; }
}

/// <summary>A prepared op.</summary>
public interface IKernel : IDisposable
{
    KernelInfo Info { get; }

    /// <summary>Bytes of workspace that a launch with these bindings needs: an upper bound whatever the contents, and no less for
    /// larger bindings.</summary>
    Status Workspace(in Bindings bindings, out long bytes);
}

/// <summary>
/// An in-order queue of work. Copy, fill, launch and record only enqueue and never wait. After work has failed, waits fail too;
/// one <see cref="Synchronize"/> reports it and clears it, or says that the device is lost.
/// </summary>
public interface IStream : IDisposable
{
    /// <summary>Copies bytes between two buffers of this device.</summary>
    Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes);

    /// <summary>Repeats a 32-bit pattern over a range of whole words. Optional: on Unsupported the runtime copies from a filled buffer.</summary>
    Status Fill(IBuffer buffer, long offset, long bytes, uint pattern) => Status.Unsupported("fill");

    /// <summary>Enqueues a kernel.</summary>
    /// <param name="kernel">A kernel of this device.</param>
    /// <param name="bindings">Values of the symbols, within the maxima of prepare. No dimension is 0.</param>
    /// <param name="arguments">Operands, then results. No result overlaps an operand, another result or the workspace, save the
    /// state that an update writes and the pairs that the kernel declared usable in place.</param>
    /// <param name="workspace">At least as many bytes as <see cref="IKernel.Workspace"/> asks for; null if it asks for none.</param>
    /// <param name="workspaceOffset">Where it begins.</param>
    Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset);

    /// <summary>Marks this point of the stream. Tickets rise and need no release.</summary>
    Status Record(out ulong ticket);

    /// <summary>Whether all work before the ticket is complete.</summary>
    Status Query(ulong ticket, out bool complete);

    /// <summary>Waits until all work before the ticket is complete.</summary>
    Status Wait(ulong ticket);

    /// <summary>Waits until all work is complete.</summary>
    Status Synchronize();
}
