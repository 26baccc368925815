using Microsoft.Win32.SafeHandles;

namespace HeteroQwen.Cli;

/// <summary>The reader of standard output is gone, as with <c>| head -1</c>: nothing more is wanted, and nothing is wrong.</summary>
internal sealed class ReaderGoneException() : Exception("standard output was closed by its reader");

/// <summary>
/// Standard output as a stream that notices when its reader is gone. The framework's own console stream swallows that, and a long
/// answer would be computed for nobody.
/// </summary>
internal sealed class PipeStream(Stream inner) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>
    /// Standard output, if it is redirected. Where it is a file, the framework's stream is used: one of our own would not move the
    /// position that the file's other writers share.
    /// </summary>
    public static Stream OpenStandardOutput()
    {
        FileStream stream = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return new PipeStream(OperatingSystem.IsWindows() || stream.CanSeek ? Console.OpenStandardOutput() : stream);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        const int BrokenPipe = 32;
        try
        {
            inner.Write(buffer);
        }
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            throw new ReaderGoneException();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"standard output: {e.Message}", e);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
