using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>An open device with the name by which users know it. Open once per process and shared by its sessions.</summary>
public sealed class Device : IDisposable
{
    private Device(string id, IDevice handle)
    {
        Id = id;
        Handle = handle;
        Capabilities = handle.Capabilities;
    }

    /// <summary>Backend and index, such as <c>cpu:0</c>.</summary>
    public string Id { get; }

    public Capabilities Capabilities { get; }

    /// <summary>The backend's device, for who drives the contract itself.</summary>
    public IDevice Handle { get; }

    /// <summary>Opens device <paramref name="index"/> of a backend.</summary>
    /// <exception cref="BackendException">The device cannot be opened; the message has the reason.</exception>
    public static Device Open(IBackend backend, int index, Attributes options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        string id = $"{backend.Name}:{index}";
        Status status = backend.Open(index, options, out IDevice? handle);
        return status.IsOk && handle is not null ? new(id, handle) : throw new BackendException(id, "open", status);
    }

    /// <summary>What the device can do at most with weights of a type, as it measures itself; null if it does not.</summary>
    /// <exception cref="BackendException">It tried and failed.</exception>
    public Peaks? MeasurePeaks(Precision precision, ElementType weights)
    {
        Status status = Handle.MeasurePeaks(precision, weights, out Peaks peaks);
        if (status.Code == StatusCode.Unsupported)
        {
            return null;
        }

        Check(status, "measure peaks");
        return peaks;
    }

    public void Dispose() => Handle.Dispose();

    internal void Check(Status status, string what)
    {
        if (!status.IsOk)
        {
            throw new BackendException(Id, what, status);
        }
    }

    internal IBuffer Allocate(MemoryKind kind, long bytes, string what)
    {
        Check(Handle.Allocate(kind, bytes, out IBuffer? buffer), $"allocate {bytes} bytes for {what}");
        return buffer ?? throw new BackendException(Id, $"allocate {bytes} bytes for {what}", new(StatusCode.Internal, "no buffer"));
    }
}
