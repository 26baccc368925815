using HeteroQwen.Backends;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>What runtime cases work with: the device, and what they allocated on it, released at the end.</summary>
internal sealed class RuntimeBench(CaseContext context) : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();
    private IStream? _stream;

    public Device OpenDevice => context.Device;

    public Device Host => context.Host;

    public IDevice Device => context.Device.Handle;

    public Capabilities Capabilities => context.Device.Capabilities;

    public long Seed => context.Seed;

    /// <summary>The stream of cases that need but one.</summary>
    public IStream Stream => _stream ??= NewStream();

    /// <summary>A bench of its own on the same device, for what is released earlier.</summary>
    public RuntimeBench Another() => new(context);

    public static void Require(bool condition, string rule)
    {
        if (!condition)
        {
            throw new RuntimeCheckException(rule);
        }
    }

    public static void Ok(Status status, string call)
    {
        if (!status.IsOk)
        {
            throw new RuntimeCheckException($"{call}: {status.Code}: {status.Message}");
        }
    }

    /// <summary>What may not succeed must come back as a status with a sentence.</summary>
    public static void Refused(Status status, string call, StatusCode? code = null)
    {
        Require(!status.IsOk, $"{call} was not refused");
        Require(code is null || status.Code == code, $"{call}: {status.Code} rather than {code}: {status.Message}");
        Require(!string.IsNullOrWhiteSpace(status.Message), $"{call}: the refusal {status.Code} gives no reason");
    }

    public IStream NewStream()
    {
        Ok(Device.CreateStream(out IStream? stream), "create stream");
        Require(stream is not null, "create stream: ok, but no stream");
        return Own(stream!);
    }

    public IBuffer Allocate(MemoryKind kind, long bytes)
    {
        Ok(Device.Allocate(kind, bytes, out IBuffer? buffer), $"allocate {bytes} bytes of {kind}");
        Require(buffer is not null, $"allocate {bytes} bytes of {kind}: ok, but no buffer");
        return Own(buffer!);
    }

    public IBuffer Pinned(long bytes) => Allocate(MemoryKind.PinnedHost, bytes);

    public static unsafe Span<byte> HostBytes(IBuffer pinned)
    {
        Require(pinned.HostAddress != 0, "pinned host memory has no host address");
        return new Span<byte>((void*)pinned.HostAddress, checked((int)pinned.Bytes));
    }

    /// <summary>Device memory that holds these bytes.</summary>
    public IBuffer Upload(ReadOnlySpan<byte> bytes, IStream? stream = null)
    {
        IBuffer staging = Pinned(bytes.Length);
        bytes.CopyTo(HostBytes(staging));
        IBuffer buffer = Allocate(MemoryKind.Device, bytes.Length);
        Ok((stream ?? Stream).Copy(buffer, 0, staging, 0, bytes.Length), "copy to the device");
        Ok((stream ?? Stream).Synchronize(), "synchronize");
        return buffer;
    }

    public byte[] Download(IBuffer buffer, IStream? stream = null)
    {
        IBuffer staging = Pinned(buffer.Bytes);
        Ok((stream ?? Stream).Copy(staging, 0, buffer, 0, buffer.Bytes), "copy to the host");
        Ok((stream ?? Stream).Synchronize(), "synchronize");
        return HostBytes(staging).ToArray();
    }

    /// <summary>Bytes that differ from place to place, and from salt to salt.</summary>
    public byte[] Pattern(long bytes, int salt = 0)
    {
        byte[] pattern = new byte[bytes];
        ulong state = ((ulong)Seed * 0x9E3779B97F4A7C15) + ((ulong)salt * 0xD1B54A32D192ED03) + 1;
        for (int i = 0; i < pattern.Length; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            pattern[i] = (byte)(state >> 24);
        }

        return pattern;
    }

    public static void SameBytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, string what)
    {
        int same = expected.CommonPrefixLength(found);
        Require(same == expected.Length, $"{what}: byte {same} of {expected.Length} is not what was put there");
    }

    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    public void Dispose()
    {
        _stream?.Synchronize();
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }
}
