namespace HeteroQwen.Ir;

/// <summary>
/// Something that a user gave is wrong: a file, a tensor, an option, a prompt. The message is one sentence that says what,
/// where, and what to do; the command line prints it and exits with 2, without a stack trace.
/// </summary>
public class UserErrorException : Exception
{
    public UserErrorException(string message)
        : base(message)
    {
    }

    public UserErrorException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
