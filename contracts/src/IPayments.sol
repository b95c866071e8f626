// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Who is owed what
/// @notice Holds money, in the chain's coin (token zero) or an ERC-20, until it is drawn. An escrow belongs to the contract or account that
/// opened it, its keeper: only the keeper can say to whom its money goes, and it can only say it once. What was paid to somebody is a
/// credit, and only that account can move it. So whoever pays into a keeper has to trust the keeper's code, and nobody else's.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no fee.
///
/// Money is pulled by whoever is owed it, never pushed, so that an account that cannot receive stops nobody else.
/// A token that delivers less than was asked for (a fee on transfers) is refused when it is paid in; one that answers false, or does not
/// answer, is handled. Balances of one token are kept apart from those of all others, so a bad token only harms those who took it. A token
/// that later shrinks balances by itself, or starts to take a fee, harms whoever draws last.
interface IPayments {
    /// @param keeper Who may pay it out.
    /// @param token The ERC-20; zero for the chain's coin.
    /// @param held What is left in it, in the token's smallest unit.
    struct Escrow {
        address keeper;
        address token;
        uint256 held;
    }

    /// @notice An escrow was opened.
    event Opened(uint256 indexed escrow, address indexed keeper, address indexed token);
    /// @notice Money was put into an escrow.
    event Deposited(uint256 indexed escrow, uint256 amount);
    /// @notice A keeper paid out of an escrow; it is `to`'s credit now.
    event Paid(uint256 indexed escrow, address indexed to, address indexed token, uint256 amount);
    /// @notice An account passed some of its credit on.
    event Given(address indexed from, address indexed to, address indexed token, uint256 amount);
    /// @notice An account drew some of its credit.
    event Withdrawn(address indexed account, address indexed token, uint256 amount, address to);

    /// @notice There is no contract at the token's address.
    error NotAToken(address token);
    /// @notice The coin sent with the call is not what is due: `due` for the coin, nothing for a token.
    error WrongValue(uint256 due, uint256 sent);
    /// @notice The token delivered another amount than it was asked for; tokens with a fee on transfers are refused.
    error NotReceivedInFull(address token, uint256 asked, uint256 received);
    /// @notice The caller did not open this escrow, or there is none.
    error NotKeeper(uint256 escrow);
    /// @notice More than is in the escrow, or more than the caller's credit.
    error TooLittle(uint256 asked, uint256 held);
    /// @notice The zero address and this contract can be paid nothing.
    error BadReceiver(address to);
    /// @notice The receiver of the coin refused it. Name another receiver.
    error PaymentFailed(address to);

    /// @notice Opens an empty escrow whose keeper is the caller.
    /// @param token An ERC-20, or zero for the chain's coin.
    function open(address token) external returns (uint256 escrow);

    /// @notice Keeper: puts its own money into the escrow. Coin comes with the call; a token is taken from the caller, which has to have
    /// approved it.
    function deposit(uint256 escrow, uint256 amount) external payable;

    /// @notice Keeper: makes part of the escrow somebody's credit.
    function pay(uint256 escrow, address to, uint256 amount) external;

    /// @notice Passes part of the caller's credit to somebody else's, without moving money.
    function give(address token, address to, uint256 amount) external;

    /// @notice Draws part of the caller's credit.
    /// @param to Where the money goes.
    function withdraw(address token, uint256 amount, address to) external;

    /// @notice What an account can draw, in a token.
    function creditOf(address account, address token) external view returns (uint256);

    /// @notice An escrow; all zero when there is none.
    function escrowOf(uint256 escrow) external view returns (Escrow memory);
}
