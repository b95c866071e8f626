// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Escrows and credits
/// @notice Holds money, in the chain's coin (token zero) or an ERC-20, until it is withdrawn. The account
/// that opens an escrow is its keeper. Only the keeper can pay out of the escrow. A payment becomes the
/// receiver's credit, and only the receiver can move its credit. Whoever pays money to a keeper has to trust
/// the code of the keeper and no other contract.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no fee.
///
/// Receivers withdraw their credit themselves, so an account that cannot receive blocks nobody else. A
/// deposit of a token that delivers less than the amount (a fee on transfers) is refused. Tokens that return
/// false or nothing are handled. The balances of each token are separate, so a bad token only harms those who
/// use it. A token that later shrinks balances or starts to take a fee harms the last accounts that withdraw
/// it.
interface IPayments {
    /// @notice What is stored of an escrow.
    /// @param keeper The account that may pay out of it.
    /// @param token The ERC-20; zero for the chain's coin.
    /// @param held The amount left in it, in the smallest unit of the token.
    struct Escrow {
        address keeper;
        address token;
        uint256 held;
    }

    /// @notice An escrow was opened.
    event Opened(uint256 indexed escrow, address indexed keeper, address indexed token);
    /// @notice Money was deposited into an escrow.
    event Deposited(uint256 indexed escrow, uint256 amount);
    /// @notice A keeper paid out of an escrow. The amount is now a credit of `to`.
    event Paid(uint256 indexed escrow, address indexed to, address indexed token, uint256 amount);
    /// @notice An account gave some of its credit to another.
    event Given(address indexed from, address indexed to, address indexed token, uint256 amount);
    /// @notice An account withdrew some of its credit.
    event Withdrawn(address indexed account, address indexed token, uint256 amount, address to);

    /// @notice There is no contract at the token's address.
    error NotAToken(address token);
    /// @notice The call sent another amount of coin than is due. For a token no coin is due.
    error WrongValue(uint256 due, uint256 sent);
    /// @notice The token delivered another amount than was asked for. Tokens with a fee on transfers are
    /// refused.
    error NotReceivedInFull(address token, uint256 asked, uint256 received);
    /// @notice The caller did not open this escrow, or there is no such escrow.
    error NotKeeper(uint256 escrow);
    /// @notice The amount is more than the escrow holds, or more than the caller's credit.
    error TooLittle(uint256 asked, uint256 held);
    /// @notice A deposit has at most 128 bits, which no real token's supply exceeds.
    error TooMuch(uint256 amount);
    /// @notice The receiver is the zero address or this contract.
    error BadReceiver(address to);
    /// @notice The receiver rejected the coin. Name another receiver.
    error PaymentFailed(address to);

    /// @notice Opens an empty escrow whose keeper is the caller.
    /// @param token An ERC-20, or zero for the chain's coin.
    function open(address token) external returns (uint256 escrow);

    /// @notice Keeper: deposits its own money into the escrow. Coin comes with the call. A token is taken
    /// from the caller, which must have approved this contract. One deposit has at most 128 bits, so that an
    /// invented amount of a worthless token can overflow nobody's escrow or credit.
    function deposit(uint256 escrow, uint256 amount) external payable;

    /// @notice Keeper: pays `amount` of the escrow to the credit of `to`.
    function pay(uint256 escrow, address to, uint256 amount) external;

    /// @notice Gives part of the caller's credit to another account. No money leaves the contract.
    function give(address token, address to, uint256 amount) external;

    /// @notice Withdraws part of the caller's credit.
    /// @param to The account that receives the money.
    function withdraw(address token, uint256 amount, address to) external;

    /// @notice The credit of an account in a token.
    function creditOf(address account, address token) external view returns (uint256);

    /// @notice An escrow; all zero if there is none.
    function escrowOf(uint256 escrow) external view returns (Escrow memory);
}
