using System.IO.MemoryMappedFiles;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A file mapped into memory for reading. What it gives lies inside the file as it was when it was opened.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    /// <summary>What comes into memory when one byte is touched: Linux maps the pages around it, too, which then belong to neighbours.</summary>
    private const long FaultBytes = 1 << 16;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private MappedFile(FileStream stream)
    {
        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; private init; }

    /// <exception cref="UserErrorException">The file is missing, cannot be read, or is shorter than the shortest of its format.</exception>
    public static MappedFile Open(string path, int shortest, string format)
    {
        // Before it is opened: opening a pipe would wait for a writer.
        if (InputFile.Length(path) < shortest)
        {
            throw new UserErrorException($"{path}: shorter than a {format} header; download the file again");
        }

        return InputFile.Guard(path, () =>
        {
            FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            try
            {
                // The view spans whole pages; a file that shrank meanwhile must not be read beyond its end.
                long length = stream.Length;
                return length >= shortest
                    ? new MappedFile(stream) { Length = length }
                    : throw new UserErrorException($"{path}: became shorter while it was opened; download the file again");
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        });
    }

    /// <summary>Some of the file's bytes, valid until it is disposed.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        Check(offset, length);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    /// <summary>Some of the file's bytes, valid until it is disposed. The address is aligned to nothing: readers must cope.</summary>
    public ByteRange Range(long offset, long length)
    {
        Check(offset, length);
        return new ByteRange((nint)(_start + offset), length);
    }

    /// <summary>
    /// Takes the pages of a range of this file out of memory; they are read again when they are touched. Returns their bytes; 0 where
    /// nothing was done, as for a range of another file.
    /// </summary>
    public long Release(ByteRange range)
    {
        ObjectDisposedException.ThrowIf(_start == null, this);
        long first = range.Address - (nint)_start;
        if (range.Length <= 0 || first < 0 || first > Length - range.Length)
        {
            return 0;
        }

        // The map begins with a page and ends with one.
        long whole = (Length + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize;
        first = first / FaultBytes * FaultBytes;
        long end = Math.Min(whole, (range.Address - (nint)_start + range.Length + FaultBytes - 1) / FaultBytes * FaultBytes);
        return MappedPages.Release((nint)(_start + first), end - first);
    }

    public void Dispose()
    {
        if (_start != null)
        {
            _start = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map.Dispose();
        }
    }

    private void Check(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_start == null, this);
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes there are not inside the file's {Length}");
        }
    }
}
