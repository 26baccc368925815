using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>The processor's stream with a fault's hooks around launches; faults of the stream itself override its members.</summary>
internal class MutantStream(IStream inner, IDevice device, Fault fault) : IStream
{
    protected MutantStream(MutantStream plain)
        : this(plain.Inner, plain.Device, plain.Fault)
    {
    }

    protected IStream Inner => inner;

    protected IDevice Device => device;

    protected Fault Fault => fault;

    public virtual Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes) =>
        inner.Copy(Unwrap(destination)!, destinationOffset, Unwrap(source)!, sourceOffset, bytes);

    public virtual Status Fill(IBuffer buffer, long offset, long bytes, uint pattern) =>
        inner.Fill(Unwrap(buffer)!, offset, bytes, pattern);

    public virtual Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        if (kernel is not MutantKernel own)
        {
            return inner.Launch(kernel, bindings, arguments, Unwrap(workspace), workspaceOffset);
        }

        using Launch launch = new(
            own, bindings, [.. arguments.Select(a => a with { Buffer = Unwrap(a.Buffer) })], Unwrap(workspace), workspaceOffset, device);
        // What breaks the contract is for the processor to refuse; hooks see launches that can be made sense of only.
        bool hooked = own.Fault is not null && launch.IsWhole;
        if (hooked)
        {
            own.Fault!.Before?.Invoke(launch);
        }

        Status status = inner.Launch(own.Inner, bindings, launch.Arguments, launch.Workspace, workspaceOffset);
        if (hooked && status.IsOk)
        {
            own.Fault!.After?.Invoke(launch);
            if (own.Rewritten)
            {
                own.Fault.Fire();
            }
        }

        return own.Fault?.Outcome?.Invoke(launch, status) ?? status;
    }

    public virtual Status Record(out ulong ticket) => inner.Record(out ticket);

    public virtual Status Query(ulong ticket, out bool complete) => inner.Query(ticket, out complete);

    public virtual Status Wait(ulong ticket) => inner.Wait(ticket);

    public virtual Status Synchronize() => inner.Synchronize();

    public virtual void Dispose() => inner.Dispose();

    protected static IBuffer? Unwrap(IBuffer? buffer) => buffer switch
    {
        MutantBuffer own => Unwrap(own.Inner),
        HiddenBuffer hidden => hidden.Inner,
        _ => buffer,
    };
}
